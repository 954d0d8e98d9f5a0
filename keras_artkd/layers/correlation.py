"""Correlation weights in [0, 1] between the rows of two matrices.

The six measures of thesis 000, section 3.2. A matrix holds vectors along its
last axis, `(batch, rows, length)`. A *pairing* says which rows meet:
`EveryPair` compares each row of the first with each row of the second and
gives `(batch, rows_1, rows_2)`; `EqualPlaces` compares row i with row i and
gives `(batch, rows)`.
"""

import numpy as np
from keras import ops

# Relative to what they are differences of, float32 leaves this much rounding
# noise in a centred row's square, in a distance's square and between the
# covariances of equal rows. What is below counts as zero: normalising would
# blow the noise up to a correlation.
_CENTRED_NOISE = 1e-12
_PRODUCT_NOISE = 4e-6
# Rows compared at once by the Chebyshev distance: it alone needs
# batch * rows_1 * rows_2 * length numbers, so it goes through them in chunks.
_CHUNK = 8


class EveryPair:
    """Each row of the first matrix with each row of the second."""

    @staticmethod
    def inner(first, second):
        """Inner products, `(batch, rows_1, rows_2)`."""
        return ops.matmul(first, ops.swapaxes(second, 1, 2))

    @staticmethod
    def squared_distance(first, second):
        """Squared Euclidean distances, never negative."""
        squares = (
            ops.sum(ops.square(first), -1)[:, :, None]
            + ops.sum(ops.square(second), -1)[:, None, :]
        )
        squared = squares - 2.0 * EveryPair.inner(first, second)
        return ops.where(squared > _PRODUCT_NOISE * squares, squared, 0.0)

    @staticmethod
    def largest_difference(first, second):
        """Chebyshev distances, by chunks of rows."""
        chunks = []
        for start in range(0, first.shape[1], _CHUNK):
            rows = first[:, start : start + _CHUNK, None, :]
            difference = ops.abs(rows - second[:, None])
            chunks.append(ops.max(difference, axis=-1))
        return ops.concatenate(chunks, axis=1)


class EqualPlaces:
    """Row i of the first matrix with row i of the second."""

    @staticmethod
    def inner(first, second):
        """Inner products, `(batch, rows)`."""
        return ops.sum(first * second, axis=-1)

    @staticmethod
    def squared_distance(first, second):
        """Squared Euclidean distances."""
        return ops.sum(ops.square(first - second), axis=-1)

    @staticmethod
    def largest_difference(first, second):
        """Chebyshev distances."""
        return ops.max(ops.abs(first - second), axis=-1)


def unit_rows(x):
    """Rows scaled to unit L2 norm; an all-zero row stays zero."""
    squared = ops.sum(ops.square(x), axis=-1, keepdims=True)
    # eps 1e-8 on the norm, as methods use it: 1e-16 on its square.
    return x * ops.rsqrt(ops.maximum(squared, 1e-16))


def centred_rows(x):
    """Rows with their own mean removed; a constant row becomes zero."""
    centred = x - ops.mean(x, axis=-1, keepdims=True)
    squared = ops.sum(ops.square(centred), axis=-1, keepdims=True)
    noise = _CENTRED_NOISE * ops.sum(ops.square(x), axis=-1, keepdims=True)
    return ops.where(squared > noise, centred, 0.0)


def rank_rows(x):
    """Ordinal ranks of each row, centred and of unit L2 norm.

    Ranks are a permutation, so every row has the same norm and the inner
    product of two is `1 - 6 sum(d^2) / (n (n^2 - 1))`, Spearman's formula,
    without its cancellation. Ties are broken by position (a stable sort).
    """
    length = x.shape[-1]
    # Ascending through a top-k of the negated row: in a tie the earlier
    # position wins, and LiteRT has it built in.
    _, order = ops.top_k(-x, length)
    _, ranks = ops.top_k(-ops.cast(order, "float32"), length)
    ranks = ops.cast(ranks, "float32") - (length - 1) / 2
    return ranks / np.sqrt(length * (length**2 - 1) / 12)


def _from_unit(rows):
    def weights(first, second, pairing):
        first_rows = rows(first)
        second_rows = first_rows if first is second else rows(second)
        return (pairing.inner(first_rows, second_rows) + 1.0) / 2.0

    return weights


def _spearman(first, second, pairing):
    if first.shape[-1] == 1:
        # One number has one rank: nothing differs.
        return ops.ones_like(pairing.inner(first, second))
    # Ranks are piecewise constant: there is no gradient to pass.
    first_constant = ops.stop_gradient(first)
    second_constant = (
        first_constant if first is second else ops.stop_gradient(second)
    )
    return _from_unit(rank_rows)(first_constant, second_constant, pairing)


def _covariance(first, second, pairing):
    first_centred = centred_rows(first)
    second_centred = first_centred if first is second else centred_rows(second)
    covariance = pairing.inner(first_centred, second_centred)
    axes = tuple(range(1, len(covariance.shape)))
    low = ops.min(covariance, axis=axes, keepdims=True)
    high = ops.max(covariance, axis=axes, keepdims=True)
    spread = high - low
    # If all are alike, the highest is the size of each. Comparing it with the
    # lowest instead would give the two of them one scale in int8.
    varied = spread > _PRODUCT_NOISE * ops.abs(high)
    # The inner `where` keeps the gradient finite on the branch not taken.
    scaled = (covariance - low) / ops.where(varied, spread, 1.0)
    return ops.where(varied, scaled, 1.0)


def _closeness(distance):
    """Distances as similarities: `1 - D / max D` within each example."""
    axes = tuple(range(1, len(distance.shape)))
    largest = ops.max(distance, axis=axes, keepdims=True)
    return 1.0 - distance / ops.where(largest > 0.0, largest, 1.0)


def _euclidean(first, second, pairing):
    squared = pairing.squared_distance(first, second)
    apart = squared > 0.0
    root = ops.sqrt(ops.where(apart, squared, 1.0))
    return _closeness(ops.where(apart, root, 0.0))


def _chebyshev(first, second, pairing):
    return _closeness(pairing.largest_difference(first, second))


def _none(first, second, pairing):
    return 1.0


CORRELATIONS = {
    "cosine": _from_unit(unit_rows),
    "pearson": _from_unit(lambda x: unit_rows(centred_rows(x))),
    "spearman": _spearman,
    "covariance": _covariance,
    "chebyshev": _chebyshev,
    "euclidean": _euclidean,
    "none": _none,
}


def correlation_weights(first, second, correlation, pairing=EveryPair):
    """How alike two sets of vectors are, as weights in [0, 1].

    - `cosine`: inner product of unit vectors; `(c + 1) / 2`.
    - `pearson`: cosine of centred vectors (eq 3.3, its square root put
      back); `(r + 1) / 2`.
    - `spearman`: Pearson of ordinal ranks (eq 3.4); `(r + 1) / 2`; a
      constant for the gradient.
    - `covariance`: eq 3.5; min-max over the example, ones if all are equal.
    - `chebyshev`: largest absolute difference (eq 3.6); `1 - D / max D`.
    - `euclidean`: Euclidean distance (eq 3.7); `1 - D / max D`.
    - `none`: 1, which leaves the plain Gram matrix.

    Args:
        first: `(batch, rows, length)`, float32.
        second: `(batch, rows_2, length)`, float32; pass `first` itself to
            compare a matrix with itself.
        correlation: one of the names above.
        pairing: `EveryPair` or `EqualPlaces`.

    Returns:
        Weights shaped as the pairing says; the float 1.0 for `none`.
    """
    return CORRELATIONS[correlation](first, second, pairing)
