"""Maximum mean discrepancy between two views of a batch (DDGSD)."""

from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TransferLoss
from keras_artkd.losses.ops import pooled, split_views
from keras_artkd.types import Tensor


def view_mmd(features: Tensor) -> Tensor:
    """Maximum mean discrepancy between two views, with a linear kernel.

    `|mean_B f_1 - mean_B f_2|^2`: the means are over the batch's examples,
    the squares summed over the channels. Both views learn.

    Args:
        features: `(batch * 2, channels)`, or maps, `(batch * 2, ...,
            channels)`, which are averaged over positions; the two views of
            each example together.

    Returns:
        `()`, float32.

    Raises:
        ValueError: for an odd number of rows.

    Reference: Xu and Liu, "Data-Distortion Guided Self-Distillation for Deep
    Neural Networks", AAAI 2019. The linear kernel is our reading.
    """
    views = split_views(pooled(features), 2)
    apart = ops.mean(views[:, 0] - views[:, 1], axis=0)
    return ops.sum(ops.square(apart))


@keras.saving.register_keras_serializable("keras_artkd")
class ViewMMD(TransferLoss):
    """`view_mmd` of one endpoint of the student, for batches of two views.

    Args:
        features: name of the endpoint, a map or a vector.
        teacher: the student itself, whose views alone are read.
        **kwargs: see `TransferLoss`.
    """

    views = 2

    def __init__(
        self,
        features: str = "features",
        teacher: str = "student",
        **kwargs: Any,
    ) -> None:
        super().__init__(teacher=teacher, **kwargs)
        self.features = features
        self.student_endpoints = (features,)

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`view_mmd` of the endpoint, a scalar."""
        return view_mmd(student[self.features])

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "features": self.features}
