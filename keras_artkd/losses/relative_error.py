"""The squared distance of features, in units of the teacher's square."""

from keras import ops

from keras_artkd.losses.hint import hint
from keras_artkd.losses.replicas import sum_over_replicas


def relative_error(teacher_features, student_features):
    """`mean (s - t)^2 / mean t^2`, the latter over the whole batch.

    Scale-free: features of any size count alike, and a student that gives
    zeros has an error of 1 on average.

    Args:
        teacher_features: `(batch, ...)`.
        student_features: of the same shape.

    Returns:
        `(batch,)`, float32.
    """
    squares = ops.mean(ops.square(ops.cast(teacher_features, "float32")))
    # Of the mean over all replicas, which have equal parts of a batch.
    total = sum_over_replicas(ops.stack([squares, ops.ones_like(squares)]))
    # Of a teacher whose map is all zero the difference would be infinite.
    squares = ops.maximum(total[0] / total[1], 1e-12)
    return hint(teacher_features, student_features) / squares
