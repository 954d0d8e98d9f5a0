"""FitNets: match a hidden map of the teacher through a regressor."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, PairedLoss, Shape
from keras_artkd.losses.connectors import convolutional_connector
from keras_artkd.types import Tensor


def hint(teacher_features: Tensor, student_features: Tensor) -> Tensor:
    """Mean squared difference of features.

    Args:
        teacher_features: `(batch, ...)`.
        student_features: of the same shape.

    Returns:
        `(batch,)`, float32, the mean over all but the batch.

    Reference: Romero et al., "FitNets: Hints for Thin Deep Nets", 2014,
    https://arxiv.org/abs/1412.6550.
    """
    difference = ops.cast(teacher_features, "float32") - ops.cast(
        student_features, "float32"
    )
    axes = tuple(range(1, len(difference.shape)))
    return ops.mean(ops.square(difference), axis=axes)


@keras.saving.register_keras_serializable("keras_artkd")
class Hint(PairedLoss):
    """`hint` through a trained regressor, in a single stage.

    The regressor is a 1x1 convolution with batch normalisation and an
    activation, as in RepDistiller and mdistiller. For maps of different size
    they use a strided or transposed convolution; here the larger map is
    average-pooled, which fits any pair.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names; by default the
            second group alone.
        activation: of the regressor, `"relu"` by default; None where
            negative values of the teacher's map matter.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (("group2", "group2"),),
        activation: str | None = "relu",
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pairs=pairs, teacher=teacher, **kwargs)
        self.activation = activation

    def make_connector(
        self, teacher_shape: Shape, student_shape: Shape
    ) -> keras.layers.Layer:
        """The regressor."""
        return convolutional_connector(
            teacher_shape[-1], use_bias=True, activation=self.activation
        )

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """Sum over the pairs."""
        maps = self.connected_maps(teacher, student)
        return sum(hint(taught, learnt) for taught, learnt in maps)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "activation": self.activation}
