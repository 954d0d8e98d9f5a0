"""Activation boundaries (AB): be active where the teacher is."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import layers, ops

from keras_artkd.losses.base import GROUP_PAIRS, Endpoints, PairedLoss, Shape
from keras_artkd.losses.connectors import convolutional_connector
from keras_artkd.losses.ops import sum_halving
from keras_artkd.types import Tensor


def activation_boundary(
    teacher: Tensor, student: Tensor, margin: float = 1.0
) -> Tensor:
    """Squared hinge that puts neurons on the teacher's side of zero.

    `(s + margin)^2` where the teacher is at most 0 and the student above
    `-margin`; `(s - margin)^2` where the teacher is positive and the student
    at most `margin`; otherwise 0.

    Args:
        teacher: `(batch, ...)`, responses before their ReLU.
        student: of the same shape, before its ReLU.
        margin: float > 0, how far from zero is far enough.

    Returns:
        `(batch,)`, float32, the sum over all but the batch.

    Raises:
        ValueError: if `margin <= 0`.

    Reference: Heo et al., "Knowledge Transfer via Distillation of Activation
    Boundaries Formed by Hidden Neurons", 2018,
    https://arxiv.org/abs/1811.03233, eq 5.
    """
    _check_margin(margin)
    student = ops.cast(student, "float32")
    side = ops.where(ops.cast(teacher, "float32") > 0.0, 1.0, -1.0)
    short = ops.relu(margin - side * student)
    axes = tuple(range(1, len(student.shape)))
    return ops.sum(ops.square(short), axis=axes)


@keras.saving.register_keras_serializable("keras_artkd")
class ActivationBoundary(PairedLoss):
    """`activation_boundary` through trained connectors.

    A pair counts half as much as the next deeper one; the deepest counts 1.
    The connector is a 1x1 convolution with batch normalisation, as in
    RepDistiller; there is none where the channels are the same. RepDistiller
    first trains the student's features with this loss alone, times 3/1000,
    for 30 epochs, and then with the labels alone.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names of maps before
            their ReLU, shallow to deep; by default the three groups of a wide
            ResNet.
        margin: see `activation_boundary`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = GROUP_PAIRS,
        margin: float = 1.0,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pairs=pairs, teacher=teacher, **kwargs)
        _check_margin(margin)
        self.margin = margin

    def make_connector(
        self, teacher_shape: Shape, student_shape: Shape
    ) -> keras.layers.Layer:
        """A connector, the identity where the channels are the same."""
        if teacher_shape[-1] == student_shape[-1]:
            return layers.Identity(dtype="float32")
        return convolutional_connector(teacher_shape[-1], use_bias=True)

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """Sum over the pairs, each half of the next."""
        return sum_halving(
            activation_boundary(taught, learnt, self.margin)
            for taught, learnt in self.connected_maps(teacher, student)
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "margin": self.margin}


def _check_margin(margin: float) -> None:
    if not margin > 0:
        raise ValueError(
            f"`margin` must be positive. Received: margin={margin!r}."
        )
