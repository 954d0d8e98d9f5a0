"""Hinton's distillation (KD): match the softened class probabilities."""

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TemperatureLoss
from keras_artkd.losses.ops import log_probabilities
from keras_artkd.types import Tensor


def kd(
    teacher_logits: Tensor, student_logits: Tensor, temperature: float = 4.0
) -> Tensor:
    """Kullback-Leibler divergence of softened predictions, times T^2.

    `T^2 sum_c p_c (log p_c - log q_c)` with `p = softmax(teacher / T)` and
    `q = softmax(student / T)`. T^2 keeps the gradient's size independent of
    the temperature. `log_softmax` keeps it exact where
    `keras.losses.KLDivergence` clips.

    Args:
        teacher_logits: `(batch, classes)`, not normalised.
        student_logits: `(batch, classes)`, not normalised.
        temperature: float > 0. Defaults to 4.0.

    Returns:
        `(batch,)`, float32, nats times T^2 per example.

    Example:
    >>> float(kd([[3., 1., 0.]], [[3., 1., 0.]])[0])
    0.0

    Reference: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural
    Network", 2015, https://arxiv.org/abs/1503.02531.
    """
    teacher = log_probabilities(teacher_logits, temperature)
    student = log_probabilities(student_logits, temperature)
    divergence = ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)
    return temperature**2 * divergence


@keras.saving.register_keras_serializable("keras_artkd")
class KD(TemperatureLoss):
    """Hinton's distillation loss, see `kd`.

    Args:
        temperature: float > 0. Defaults to 4.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`kd` of the logits."""
        return kd(teacher["logits"], student["logits"], self.temperature)
