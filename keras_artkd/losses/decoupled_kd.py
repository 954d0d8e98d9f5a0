"""Decoupled distillation (DKD): one weight for the target, one for the rest."""

from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TemperatureLoss
from keras_artkd.losses.labels import class_probabilities
from keras_artkd.losses.ops import log_probabilities
from keras_artkd.types import Tensor

# Adds nothing to a sum of exponentials, and its gradient is not infinite.
NOTHING = -1e30


def decoupled_kd(
    labels: Tensor,
    teacher_logits: Tensor,
    student_logits: Tensor,
    temperature: float = 4.0,
    alpha: float = 1.0,
    beta: float = 8.0,
) -> Tensor:
    """`T^2 (alpha TCKD + beta NCKD)`, the two parts of `kd` separated.

    With `p = softmax(teacher / T)`, `q = softmax(student / T)` and y the
    target class, TCKD is the divergence of `(p_y, 1 - p_y)` from `(q_y, 1 -
    q_y)`, and NCKD that of `p_c / (1 - p_y)` from `q_c / (1 - q_y)` over the
    other classes. `alpha = 1, beta = 1 - p_y` give `kd`.

    For labels that are probabilities it is the expected value: Mixup's
    mixture of two classes gives the same mixture of their losses. Everything
    is computed from logarithms, so that it stays finite for two classes,
    confident networks and logits of a low precision.

    Args:
        labels: `(batch,)` integers, or `(batch, classes)` probabilities. An
            image without a label, a row of zeros, has a loss of 0.
        teacher_logits: `(batch, classes)`, not normalised.
        student_logits: `(batch, classes)`, not normalised.
        temperature: float > 0. Defaults to 4.0.
        alpha: weight of TCKD. Defaults to 1.0.
        beta: weight of NCKD, which the authors choose for each pair of
            networks, 2 to 8. Defaults to 8.0.

    Returns:
        `(batch,)`, float32, nats times T^2 per example.

    Raises:
        ValueError: if `temperature <= 0`, or for labels of another shape.

    Reference: Zhao et al., "Decoupled Knowledge Distillation", 2022,
    https://arxiv.org/abs/2203.08679.
    """
    teacher = log_probabilities(teacher_logits, temperature)
    student = log_probabilities(student_logits, temperature)
    labels = class_probabilities(labels, student.shape[-1])
    # An expected value, also of targets whose sum is not 1; zero without any.
    total = ops.sum(labels, axis=-1, keepdims=True)
    labels = ops.where(total > 0, labels / ops.where(total > 0, total, 1), 0)
    target, others = _decouple(teacher, student)
    target = ops.sum(labels * target, axis=-1)
    others = ops.sum(labels * others, axis=-1)
    return temperature**2 * (alpha * target + beta * others)


@keras.saving.register_keras_serializable("keras_artkd")
class DecoupledKD(TemperatureLoss):
    """Decoupled distillation, see `decoupled_kd`.

    Args:
        temperature: float > 0. Defaults to 4.0.
        alpha: float, weight of the target class's part.
        beta: float, weight of the other classes' part.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        temperature: float = 4.0,
        alpha: float = 1.0,
        beta: float = 8.0,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(temperature=temperature, teacher=teacher, **kwargs)
        self.alpha = alpha
        self.beta = beta

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`decoupled_kd` of the logits."""
        return decoupled_kd(
            labels,
            teacher["logits"],
            student["logits"],
            self.temperature,
            self.alpha,
            self.beta,
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "beta": self.beta,
        }


def _decouple(teacher: Tensor, student: Tensor) -> tuple[Tensor, Tensor]:
    """TCKD and NCKD for every class as the target.

    Args:
        teacher: `(batch, classes)`, log-probabilities.
        student: `(batch, classes)`, log-probabilities.

    Returns:
        Two of `(batch, classes)`.
    """
    gap = teacher - student
    probability = ops.exp(teacher)
    peak, teacher_rest = _log_rest(teacher)
    _, student_rest = _log_rest(student)
    rest_gap = teacher_rest - student_rest
    rest = ops.exp(teacher_rest)
    target = probability * gap + rest * rest_gap

    # The mean gap of the other classes. Where the target is the likeliest
    # class, `rest` may vanish, and the mean is summed in its own scale. For
    # any other target `rest` is at least a half.
    weights = ops.exp(
        ops.where(peak, NOTHING, teacher) - _at(peak, teacher_rest)
    )
    mean_at_peak = ops.sum(weights * gap, axis=-1, keepdims=True)
    weighted = probability * gap
    total = ops.sum(weighted, axis=-1, keepdims=True)
    mean_elsewhere = (total - weighted) / ops.where(peak, 1.0, rest)
    others = ops.where(peak, mean_at_peak, mean_elsewhere) - rest_gap
    return target, others


def _log_rest(log_probability: Tensor) -> tuple[Tensor, Tensor]:
    """A mask of the likeliest class, and `log(1 - p)` of every class."""
    peak = ops.one_hot(
        ops.argmax(log_probability, axis=-1),
        log_probability.shape[-1],
        dtype="bool",
    )
    others = ops.where(peak, NOTHING, log_probability)
    at_peak = ops.logsumexp(others, axis=-1, keepdims=True)
    return peak, ops.where(peak, at_peak, ops.log1p(-ops.exp(others)))


def _at(mask: Tensor, values: Tensor) -> Tensor:
    """The one value in each row where the mask is true, `(batch, 1)`."""
    return ops.sum(ops.where(mask, values, 0.0), axis=-1, keepdims=True)
