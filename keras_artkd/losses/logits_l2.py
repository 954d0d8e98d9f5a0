"""Squared distance of logits; the hint of Rocket Launching."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TransferLoss
from keras_artkd.losses.ops import check_choice
from keras_artkd.types import Tensor

REDUCTIONS: dict[str, Callable[..., Tensor]] = {
    "mean": ops.mean,
    "sum": ops.sum,
}


def logits_l2(
    teacher_logits: Tensor, student_logits: Tensor, reduction: str = "mean"
) -> Tensor:
    """Squared difference of logits, over the classes.

    Args:
        teacher_logits: `(batch, classes)`, not normalised.
        student_logits: `(batch, classes)`, not normalised.
        reduction: `"mean"` over the classes (default; thesis 000, eq 3.12,
            on a scale that does not grow with their number) or `"sum"`, the
            hint loss of Rocket Launching.

    Returns:
        `(batch,)`, float32, squared logits per example.

    Reference: thesis 000, eq 3.12; Zhou et al., "Rocket Launching: A
    Universal and Efficient Framework for Training Well-performing Light Net",
    2018, https://arxiv.org/abs/1708.04106 (hint loss).
    """
    check_choice("reduction", reduction, REDUCTIONS)
    difference = ops.cast(teacher_logits, "float32") - ops.cast(
        student_logits, "float32"
    )
    return REDUCTIONS[reduction](ops.square(difference), axis=-1)


@keras.saving.register_keras_serializable("keras_artkd")
class LogitsL2(TransferLoss):
    """Squared distance of logits, see `logits_l2`.

    Args:
        reduction: `"mean"` or `"sum"` over the classes.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self, reduction: str = "mean", teacher: str = "expert", **kwargs: Any
    ) -> None:
        super().__init__(teacher=teacher, **kwargs)
        check_choice("reduction", reduction, REDUCTIONS)
        self.reduction = reduction

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`logits_l2` of the logits."""
        return logits_l2(teacher["logits"], student["logits"], self.reduction)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "reduction": self.reduction}
