"""Vectors of examples, as the losses that compare a batch's examples see them.

A batch's feature maps become one row for each example.
"""

from keras import ops

# Below the square root of float32's smallest number.
TINY = 1e-30


def pooled(features):
    """The mean over positions, `(batch, channels)`; vectors as they are."""
    features = ops.cast(features, "float32")
    if len(features.shape) == 2:
        return features
    return ops.mean(features, axis=tuple(range(1, len(features.shape) - 1)))


def rescaled(rows):
    """Rows over the largest magnitude of all, as float32.

    Squares then stay in range. No gradient passes through the factor, for
    losses in which it cancels.
    """
    rows = ops.cast(rows, "float32")
    largest = ops.stop_gradient(ops.max(ops.abs(rows)))
    return rows / ops.maximum(largest, TINY)


def unit(vectors, smallest=1e-12):
    """Vectors of L2 norm 1; shorter ones than `smallest` become zero.

    Without a gradient there, where the direction means nothing.
    """
    squared = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    long_enough = squared > smallest**2
    inverse = ops.rsqrt(ops.where(long_enough, squared, 1.0))
    return ops.where(long_enough, vectors * inverse, 0.0)


def gram(rows):
    """Dot products of all pairs of rows, `(batch, batch)`."""
    return ops.matmul(rows, ops.transpose(rows))
