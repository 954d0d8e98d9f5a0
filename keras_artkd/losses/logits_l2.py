"""Squared distance of logits; the hint of Rocket Launching."""

import keras
from keras import ops

from keras_artkd.losses.transfer_loss import TransferLoss

REDUCTIONS = {"mean": ops.mean, "sum": ops.sum}


def logits_l2(teacher_logits, student_logits, reduction="mean"):
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
    _check_reduction(reduction)
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

    def __init__(self, reduction="mean", teacher="expert", **kwargs):
        super().__init__(teacher=teacher, **kwargs)
        _check_reduction(reduction)
        self.reduction = reduction

    def call(self, labels, teacher, student):
        """`logits_l2` of the logits."""
        return logits_l2(teacher["logits"], student["logits"], self.reduction)

    def get_config(self):
        """Every constructor argument."""
        return {**super().get_config(), "reduction": self.reduction}


def _check_reduction(reduction):
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"`reduction` must be one of {', '.join(REDUCTIONS)}. "
            f"Received: reduction={reduction!r}."
        )
