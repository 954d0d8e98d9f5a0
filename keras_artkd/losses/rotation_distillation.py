"""Self-distillation from a head that knows rotations (SLA+SD)."""

from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TemperatureLoss
from keras_artkd.losses.kd import kd
from keras_artkd.losses.labels import class_probabilities, cross_entropy
from keras_artkd.losses.ops import split_views
from keras_artkd.types import Tensor


def sla_sd(
    labels: Tensor,
    joint_logits: Tensor,
    logits: Tensor,
    temperature: float = 1.0,
) -> Tensor:
    """Self-supervised label augmentation with self-distillation (SLA+SD).

    The views of an example are its rotations by 0, 90, 180 and 270 degrees. A
    joint head has a class for each class c in each rotation j, in column
    4c + j. With its logits u_j of the view j, the student's own logits z of
    the upright view and a label y:

        mean_j CE(4y + j, u_j) + CE(y, z)
        + T^2 KL(softmax(a / T) || softmax(z / T))

    where `a_c = mean_j u_j[4c + j]`. No gradient passes to a.

    There are as many rotations as `joint_logits` has columns for a class. A
    single one leaves plain distillation between two heads.

    Args:
        labels: integers, `(batch,)` or `(batch, 1)`, or probabilities,
            `(batch, classes)`.
        joint_logits: `(batch * 4, classes * 4)`, not normalised, the views of
            each example together.
        logits: `(batch * 4, classes)`, not normalised, of the student's own
            head. Only the upright view, each example's first, counts.
        temperature: float > 0, T. Defaults to 1.0.

    Returns:
        `(batch,)`, float32, per example.

    Raises:
        ValueError: for logits whose shapes do not fit, or a bad temperature.

    Reference: Lee, Hwang and Shin, "Self-supervised Label Augmentation via
    Input Transformations", 2020, https://arxiv.org/abs/1910.05872, and the
    authors' code.
    """
    upright = split_views(logits, _rotations(joint_logits, logits))[:, 0]
    return cross_entropy(labels, upright) + _joint_terms(
        labels, joint_logits, logits, temperature
    )


@keras.saving.register_keras_serializable("keras_artkd")
class RotationDistillation(TemperatureLoss):
    """`sla_sd` of a student with a joint head, for batches of rotations.

    It leaves out the cross-entropy of the student's own head, which is the
    distiller's supervised loss. With weights 1, and labels for the first view
    alone, the objective is `sla_sd`.

    Args:
        temperature: float > 0. Defaults to 1.0.
        teacher: the student itself, which has both heads: endpoints `logits`
            and `rotation_logits`.
        **kwargs: see `TransferLoss`.
    """

    student_endpoints = ("logits", "rotation_logits")
    views = 4

    def __init__(
        self, temperature: float = 1.0, teacher: str = "student", **kwargs: Any
    ) -> None:
        super().__init__(temperature=temperature, teacher=teacher, **kwargs)

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`sla_sd` without the own head's cross-entropy."""
        joint_logits, logits = student["rotation_logits"], student["logits"]
        # Labels have a row for each view as well.
        rotations = _rotations(joint_logits, logits)
        labels = split_views(labels, rotations)[:, 0]
        return _joint_terms(labels, joint_logits, logits, self.temperature)


def _joint_terms(
    labels: Tensor, joint_logits: Tensor, logits: Tensor, temperature: float
) -> Tensor:
    """The terms of `sla_sd` that depend on the joint head."""
    rotations = _rotations(joint_logits, logits)
    upright = split_views(logits, rotations)[:, 0]
    joint_logits = split_views(ops.cast(joint_logits, "float32"), rotations)
    labels = class_probabilities(labels, upright.shape[-1])
    # In a view only the columns of its own rotation have a label.
    chosen = _own_columns(ops.log_softmax(joint_logits))
    supervised = -ops.sum(labels * ops.mean(chosen, axis=1), axis=-1)
    aggregate = ops.mean(_own_columns(joint_logits), axis=1)
    return supervised + kd(ops.stop_gradient(aggregate), upright, temperature)


def _own_columns(joint: Tensor) -> Tensor:
    """The columns of each view's rotation, `(batch, views, classes)`."""
    rotations = joint.shape[1]
    return ops.stack(
        [joint[:, j, j::rotations] for j in range(rotations)], axis=1
    )


def _rotations(joint_logits: Tensor, logits: Tensor) -> int:
    """The number of columns of the joint head for one class."""
    columns, classes = (
        ops.convert_to_tensor(head).shape[-1] for head in (joint_logits, logits)
    )
    if columns % classes:
        raise ValueError(
            "`joint_logits` must have a column for each class in each "
            f"rotation, a multiple of the {classes} classes of `logits`. "
            f"Received: {columns} columns."
        )
    return columns // classes
