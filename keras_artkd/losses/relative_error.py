"""Squared distance of features relative to the teacher's mean square."""

from keras import ops

from keras_artkd.losses.hint import hint
from keras_artkd.losses.ops import sum_over_replicas
from keras_artkd.types import Tensor


def relative_error(
    teacher_features: Tensor, student_features: Tensor
) -> Tensor:
    """`mean (s - t)^2 / mean t^2`, the latter over the whole batch.

    It does not depend on the features' scale. A student that gives zeros has
    an error of 1 on average.

    Args:
        teacher_features: `(batch, ...)`.
        student_features: of the same shape.

    Returns:
        `(batch,)`, float32.
    """
    squares = ops.mean(ops.square(ops.cast(teacher_features, "float32")))
    # The mean over all replicas, which have equal parts of a batch.
    total = sum_over_replicas(ops.stack([squares, ops.ones_like(squares)]))
    # With a teacher whose map is all zero the error would be infinite.
    squares = ops.maximum(total[0] / total[1], 1e-12)
    return hint(teacher_features, student_features) / squares
