"""Relations of predictions (DIST): among the classes, and in each class."""

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TemperatureLoss
from keras_artkd.losses.ops import TINY, centred, log_probabilities
from keras_artkd.types import Tensor

# Added to the product of the norms, as in the authors' code: a class that
# nobody predicts in a batch has no relation to learn.
EPSILON = 1e-8


def inter_class_relation(
    teacher_logits: Tensor, student_logits: Tensor, temperature: float = 1.0
) -> Tensor:
    """Pearson's distance of an example's probabilities, times T^2.

    `T^2 (1 - r)`, where `r` is the correlation of `softmax(teacher / T)` and
    `softmax(student / T)` over the classes. A positive affine map of either
    side's probabilities changes nothing, so that the student need not be as
    sure as a stronger teacher.

    Args:
        teacher_logits: `(batch, classes)`, not normalised.
        student_logits: `(batch, classes)`, not normalised.
        temperature: float > 0. Defaults to 1.0.

    Returns:
        `(batch,)`, float32, in [0, 2 T^2]. Of constant probabilities it is
        T^2, without a gradient.

    Raises:
        ValueError: if `temperature <= 0`.

    Reference: Huang et al., "Knowledge Distillation from A Stronger Teacher",
    2022, https://arxiv.org/abs/2205.10536, the inter-class loss, and the
    authors' code, https://github.com/hunto/image_classification_sota. T^2 is
    that of its ports, such as MMRazor's.
    """
    teacher = ops.exp(log_probabilities(teacher_logits, temperature))
    student = ops.exp(log_probabilities(student_logits, temperature))
    return temperature**2 * (1.0 - _correlation(teacher, student))


def intra_class_relation(
    teacher_logits: Tensor, student_logits: Tensor, temperature: float = 1.0
) -> Tensor:
    """Pearson's distance of a class's probabilities in a batch, times T^2.

    `T^2 mean_c (1 - r_c)`, where `r_c` is the correlation of the
    probabilities of class c over the examples: which of them are more of this
    class.

    Args:
        teacher_logits: `(batch, classes)`, not normalised.
        student_logits: `(batch, classes)`, not normalised.
        temperature: float > 0. Defaults to 1.0.

    Returns:
        `()`, float32, in [0, 2 T^2]. Of a single example it is T^2, without a
        gradient.

    Raises:
        ValueError: if `temperature <= 0`.

    Reference: as `inter_class_relation`, the intra-class loss.
    """
    teacher = ops.exp(log_probabilities(teacher_logits, temperature))
    student = ops.exp(log_probabilities(student_logits, temperature))
    correlations = _correlation(ops.transpose(teacher), ops.transpose(student))
    return temperature**2 * (1.0 - ops.mean(correlations))


@keras.saving.register_keras_serializable("keras_artkd")
class InterClassRelation(TemperatureLoss):
    """The relation of the classes in each example, `inter_class_relation`.

    Args:
        temperature: float > 0. Defaults to 1.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`inter_class_relation` of the logits, a value per example."""
        return inter_class_relation(
            teacher["logits"], student["logits"], self.temperature
        )


@keras.saving.register_keras_serializable("keras_artkd")
class IntraClassRelation(TemperatureLoss):
    """The relation of the examples in each class, `intra_class_relation`.

    It compares the examples of a batch: each replica compares its own.

    Args:
        temperature: float > 0. Defaults to 1.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`intra_class_relation` of the logits, a scalar."""
        return intra_class_relation(
            teacher["logits"], student["logits"], self.temperature
        )


def _correlation(teacher: Tensor, student: Tensor) -> Tensor:
    """Pearson's correlation of rows, `(rows,)`; 0 where one is constant."""
    teacher, student = centred(teacher), centred(student)
    product = ops.sum(teacher * student, axis=-1)
    return product / (_norm(teacher) * _norm(student) + EPSILON)


def _norm(rows: Tensor) -> Tensor:
    """L2 norms, without the infinite slope at zero."""
    squared = ops.sum(ops.square(rows), axis=-1)
    known = squared > TINY
    return ops.where(known, ops.sqrt(ops.where(known, squared, 1.0)), 0.0)
