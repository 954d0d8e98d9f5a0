"""Cross-entropy with softened teacher predictions as targets."""

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TemperatureLoss
from keras_artkd.losses.ops import log_probabilities
from keras_artkd.types import Tensor


def soft_cross_entropy(
    teacher_logits: Tensor, student_logits: Tensor, temperature: float = 4.0
) -> Tensor:
    """`-sum_c p_c log q_c` of predictions softened by a temperature.

    It is `kd` without the factor T^2, plus the teacher's entropy, which is
    constant for the student.

    Args:
        teacher_logits: `(batch, classes)`, not normalised.
        student_logits: `(batch, classes)`, not normalised.
        temperature: float > 0. Defaults to 4.0.

    Returns:
        `(batch,)`, float32, nats per example.

    Reference: Zhao et al., "Highlight Every Step: Knowledge Distillation via
    Collaborative Teaching", 2019, https://arxiv.org/abs/1907.09643, as thesis
    000, section 3.3, describes it.
    """
    teacher = log_probabilities(teacher_logits, temperature)
    student = log_probabilities(student_logits, temperature)
    return -ops.sum(ops.exp(teacher) * student, axis=-1)


@keras.saving.register_keras_serializable("keras_artkd")
class SoftCrossEntropy(TemperatureLoss):
    """Cross-entropy with a teacher's softened predictions.

    Args:
        temperature: float > 0. Defaults to 4.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`soft_cross_entropy` of the logits."""
        return soft_cross_entropy(
            teacher["logits"], student["logits"], self.temperature
        )
