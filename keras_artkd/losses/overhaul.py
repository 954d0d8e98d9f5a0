"""Overhaul of feature distillation (OFD): match the teacher's margin ReLU."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_artkd.losses.base import GROUP_PAIRS, Endpoints, PairedLoss, Shape
from keras_artkd.losses.connectors import convolutional_connector
from keras_artkd.losses.ops import sum_halving
from keras_artkd.types import Array, Tensor

# Of the running estimate of margins, for one step.
MOMENTUM = 0.99


def overhaul(teacher: Tensor, student: Tensor, margin: Tensor) -> Tensor:
    """Partial squared distance to the teacher's margin ReLU.

    The target is `max(t, margin)`. Where the teacher is at most 0, a student
    at or below the target has no loss: a ReLU makes both zero.

    Args:
        teacher: `(batch, height, width, channels)`, before its ReLU.
        student: of the same shape, before its ReLU.
        margin: at most 0, of a shape that broadcasts, such as `(channels,)`;
            the mean of a channel's negative responses.

    Returns:
        `(batch,)`, float32, the sum over positions and channels.

    Reference: Heo et al., "A Comprehensive Overhaul of Feature Distillation",
    2019, https://arxiv.org/abs/1904.01866, eqs 4 and 5.
    """
    teacher, student, margin = (
        ops.cast(x, "float32") for x in (teacher, student, margin)
    )
    target = ops.maximum(teacher, margin)
    ignored = ops.logical_and(teacher <= 0.0, student <= target)
    squared = ops.where(ignored, 0.0, ops.square(student - target))
    return ops.sum(squared, axis=tuple(range(1, len(squared.shape))))


def batch_norm_margins(gamma: Array, beta: Array) -> tuple[float, ...]:
    """Margins of channels after a batch normalisation.

    The mean of the negative part of a Gaussian of mean `beta` and deviation
    `|gamma|`; `-3 |gamma|` where less than 0.001 of it is negative.

    Args:
        gamma: `(channels,)`, the layer's scale.
        beta: `(channels,)`, the layer's offset.

    Returns:
        Tuple of floats, one for each channel, for `Overhaul`.

    Reference: Heo et al., 2019, section 3.1 and the authors' code.
    """
    margins = []
    for scale, mean in zip(np.abs(gamma), np.asarray(beta), strict=True):
        deviation = max(float(scale), 1e-12)
        ratio = float(mean) / deviation
        negative = math.erfc(ratio / math.sqrt(2)) / 2
        if negative > 0.001:
            density = math.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
            margins.append(float(mean) - deviation * density / negative)
        else:
            margins.append(-3.0 * deviation)
    return tuple(margins)


@keras.saving.register_keras_serializable("keras_artkd")
class Overhaul(PairedLoss):
    """`overhaul` through trained connectors: OFD.

    A pair counts half as much as the next deeper one; the deepest counts 1.
    The connector is a 1x1 convolution with batch normalisation. The sum over
    a map is large; the usual weight is therefore 1e-3.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names of maps before
            their ReLU, shallow to deep; by default the three groups of a wide
            ResNet.
        margins: for each pair, a float for each channel of the teacher, as
            `batch_norm_margins` gives them. By default the training
            estimates them from the teacher's negative responses.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = GROUP_PAIRS,
        margins: Iterable[Iterable[float]] | None = None,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pairs=pairs, teacher=teacher, **kwargs)
        self.margins = (
            None
            if margins is None
            else tuple(tuple(map(float, margin)) for margin in margins)
        )

    def make_connector(
        self, teacher_shape: Shape, student_shape: Shape
    ) -> keras.layers.Layer:
        """The connector."""
        return convolutional_connector(teacher_shape[-1])

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Makes the connectors, and the running sums for the margins."""
        super().build(teacher_shape, student_shape)
        channels = [teacher_shape[name][-1] for name in self.teacher_endpoints]
        if self.margins is not None:
            _check_margins(self.margins, channels)
            return
        self.responses = [
            # The share of negative responses, and their sum over the number
            # of all responses.
            self.add_weight(
                shape=(2, count),
                initializer="zeros",
                trainable=False,
                aggregation="mean",
                name=f"responses_{i}",
            )
            for i, count in enumerate(channels)
        ]

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """Sum over the pairs, each half of the next."""
        maps = self.connected_maps(teacher, student)
        return sum_halving(
            overhaul(taught, learnt, self._margin(i, taught))
            for i, (taught, learnt) in enumerate(maps)
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "margins": self.margins}

    def _margin(self, index: int, features: Tensor) -> Tensor:
        if self.margins is not None:
            return ops.convert_to_tensor(self.margins[index], "float32")
        features = ops.stop_gradient(features)
        negative = ops.cast(features < 0.0, "float32")
        seen = ops.stack([negative, negative * features])
        seen = ops.mean(seen, axis=(1, 2, 3))
        responses = self.responses[index]
        # They start at zero; this cancels in the quotient.
        responses.assign(MOMENTUM * responses + (1.0 - MOMENTUM) * seen)
        share, total = responses[0], responses[1]
        return total / ops.where(share > 0.0, share, 1.0)


def _check_margins(
    margins: Sequence[Sequence[float]], channels: list[int]
) -> None:
    given = [len(margin) for margin in margins]
    if given != channels:
        raise ValueError(
            "`margins` must have a float for each channel of the teacher "
            f"in each pair: {channels}. Received: {given}."
        )
