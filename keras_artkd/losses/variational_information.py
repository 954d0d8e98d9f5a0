"""Variational information distillation (VID): predict teacher features."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import keras
from keras import layers, ops

from keras_artkd.losses.base import GROUP_PAIRS, Endpoints, PairedLoss, Shape
from keras_artkd.losses.connectors import convolution
from keras_artkd.types import Tensor

# Lower bound of the variance, for channels in which the teacher is constant.
EPSILON = 1e-5


def variational_information(
    teacher: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    """Negative log-likelihood of features under a Gaussian.

    `((t - mean)^2 / variance + log(variance)) / 2`, without the constant
    `log(2 pi) / 2`. Negative where the prediction is certain and right.

    Args:
        teacher: `(batch, ..., channels)`.
        mean: of the same shape, predicted from the student.
        variance: positive, of a shape that broadcasts, such as
            `(channels,)`.

    Returns:
        `(batch,)`, float32, nats, the mean over all but the batch.

    Reference: Ahn et al., "Variational Information Distillation for Knowledge
    Transfer", 2019, https://arxiv.org/abs/1904.05835, eq 6.
    """
    teacher, mean, variance = (
        ops.cast(x, "float32") for x in (teacher, mean, variance)
    )
    values = ops.square(teacher - mean) / variance + ops.log(variance)
    return 0.5 * ops.mean(values, axis=tuple(range(1, len(values.shape))))


@keras.saving.register_keras_serializable("keras_artkd")
class VariationalInformation(PairedLoss):
    """`variational_information` through trained heads.

    Three 1x1 convolutions of the teacher's channels, with ReLU between them,
    predict the mean. The variance, one for each channel, is `softplus` of a
    weight that is trained, as in the paper; mdistiller does not train it.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names; by default the
            three groups of a wide ResNet.
        initial_variance: float > 0. Defaults to 5.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = GROUP_PAIRS,
        initial_variance: float = 5.0,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pairs=pairs, teacher=teacher, **kwargs)
        if not initial_variance > EPSILON:
            raise ValueError(
                f"`initial_variance` must be greater than {EPSILON}. "
                f"Received: initial_variance={initial_variance!r}."
            )
        self.initial_variance = initial_variance

    def make_connector(
        self, teacher_shape: Shape, student_shape: Shape
    ) -> keras.layers.Layer:
        """The head that predicts the mean."""
        channels = teacher_shape[-1]
        return keras.Sequential(
            [
                convolution(channels),
                layers.ReLU(dtype="float32"),
                convolution(channels),
                layers.ReLU(dtype="float32"),
                convolution(channels),
            ]
        )

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Makes the heads."""
        super().build(teacher_shape, student_shape)
        self.scales = [
            self.add_weight(
                shape=(teacher_shape[name][-1],),
                initializer=keras.initializers.Constant(
                    _inverse_softplus(self.initial_variance - EPSILON)
                ),
                name=f"scale_{i}",
            )
            for i, name in enumerate(self.teacher_endpoints)
        ]

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """Sum over the pairs."""
        maps = self.connected_maps(teacher, student)
        return sum(
            variational_information(taught, mean, ops.softplus(scale) + EPSILON)
            for (taught, mean), scale in zip(maps, self.scales, strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "initial_variance": self.initial_variance,
        }


def _inverse_softplus(value: float) -> float:
    return value + math.log(-math.expm1(-value))
