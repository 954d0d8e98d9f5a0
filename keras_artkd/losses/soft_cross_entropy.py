"""Cross-entropy with softened teacher predictions as targets."""

import keras
from keras import ops

from keras_artkd.losses.transfer_loss import TransferLoss, check_temperature


def soft_cross_entropy(teacher_logits, student_logits, temperature=4.0):
    """`-sum_c p_c log q_c` of predictions softened by a temperature.

    Differs from `kd` by the factor T^2, which it lacks, and by the teacher's
    entropy, which is constant for the student.

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
    check_temperature(temperature)
    teacher = ops.softmax(ops.cast(teacher_logits, "float32") / temperature)
    student = ops.log_softmax(ops.cast(student_logits, "float32") / temperature)
    return -ops.sum(teacher * student, axis=-1)


@keras.saving.register_keras_serializable("keras_artkd")
class SoftCrossEntropy(TransferLoss):
    """Cross-entropy with a teacher's softened predictions.

    Args:
        temperature: float > 0. Defaults to 4.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(self, temperature=4.0, teacher="expert", **kwargs):
        super().__init__(teacher=teacher, **kwargs)
        check_temperature(temperature)
        self.temperature = temperature

    def call(self, labels, teacher, student):
        """`soft_cross_entropy` of the logits."""
        return soft_cross_entropy(
            teacher["logits"], student["logits"], self.temperature
        )

    def get_config(self):
        """Every constructor argument."""
        return {**super().get_config(), "temperature": self.temperature}
