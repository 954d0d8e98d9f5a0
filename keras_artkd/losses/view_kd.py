"""Distillation between two views of an example (CS-KD, DDGSD)."""

from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TemperatureLoss
from keras_artkd.losses.kd import kd
from keras_artkd.losses.ops import split_views
from keras_artkd.types import Tensor


def view_kd(
    logits: Tensor, temperature: float = 4.0, mutual: bool = False
) -> Tensor:
    """Distillation from the second of two views to the first.

    With the logits z_1 and z_2 of the views:

        T^2 KL(softmax(z_2 / T) || softmax(z_1 / T))

    No gradient passes to the view that teaches. With two images of one class
    it is class-wise self-distillation (CS-KD). With two distortions of one
    image that teach each other (`mutual`) it is data-distortion guided
    self-distillation (DDGSD).

    Args:
        logits: `(batch * 2, classes)`, not normalised, the two views of each
            example together.
        temperature: float > 0, T. Defaults to 4.0.
        mutual: whether the first view also teaches the second: the sum of
            both divergences. Defaults to False.

    Returns:
        `(batch,)`, float32, per example.

    Raises:
        ValueError: for an odd number of rows, or a bad temperature.

    Reference: Yun et al., "Regularizing Class-wise Predictions via
    Self-knowledge Distillation", 2020, https://arxiv.org/abs/2003.13964; Xu
    and Liu, "Data-Distortion Guided Self-Distillation for Deep Neural
    Networks", AAAI 2019, where T^2 and the stopped gradients are our reading.
    """
    logits = split_views(logits, 2)
    first, second = logits[:, 0], logits[:, 1]
    divergence = kd(ops.stop_gradient(second), first, temperature)
    if mutual:
        divergence = divergence + kd(
            ops.stop_gradient(first), second, temperature
        )
    return divergence


@keras.saving.register_keras_serializable("keras_artkd")
class ViewKD(TemperatureLoss):
    """`view_kd` of the student's logits, for batches of two views.

    Args:
        temperature: float > 0. Defaults to 4.0.
        mutual: bool, see `view_kd`.
        teacher: the student itself, whose views alone are read.
        **kwargs: see `TransferLoss`.
    """

    views = 2

    def __init__(
        self,
        temperature: float = 4.0,
        mutual: bool = False,
        teacher: str = "student",
        **kwargs: Any,
    ) -> None:
        super().__init__(temperature=temperature, teacher=teacher, **kwargs)
        self.mutual = mutual

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`view_kd` of the logits."""
        return view_kd(student["logits"], self.temperature, self.mutual)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "mutual": self.mutual}
