"""Correlation weights in [0, 1] between the rows of two matrices.

The six measures of thesis 000, section 3.2. A matrix has the shape
`(batch, rows, length)`: its vectors lie along the last axis. A *pairing* says
which rows are compared. `EveryPair` compares each row of the first matrix with
each row of the second and returns `(batch, rows_1, rows_2)`. `EqualPlaces`
compares row i with row i and returns `(batch, rows)`.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from keras import ops

from keras_artkd.catalogue.correlations import Correlation
from keras_artkd.types import Tensor

# Relative rounding noise of float32 in the square of a centred row, in the
# square of a distance, and between the covariances of equal rows. Less than
# this counts as zero: otherwise the normalisation would turn the noise into a
# correlation.
_CENTRED_NOISE = 1e-12
_PRODUCT_NOISE = 4e-6
# Rows that the Chebyshev distance compares at once. Only this distance needs
# batch * rows_1 * rows_2 * length numbers, therefore it works in chunks.
_CHUNK = 8


class EveryPair:
    """Each row of the first matrix with each row of the second."""

    @staticmethod
    def inner(first: Tensor, second: Tensor) -> Tensor:
        """Computes inner products, `(batch, rows_1, rows_2)`."""
        return ops.matmul(first, ops.swapaxes(second, 1, 2))

    @staticmethod
    def squared_distance(first: Tensor, second: Tensor) -> Tensor:
        """Computes squared Euclidean distances, never negative."""
        squares = (
            ops.sum(ops.square(first), -1)[:, :, None]
            + ops.sum(ops.square(second), -1)[:, None, :]
        )
        squared = squares - 2.0 * EveryPair.inner(first, second)
        return ops.where(squared > _PRODUCT_NOISE * squares, squared, 0.0)

    @staticmethod
    def largest_difference(first: Tensor, second: Tensor) -> Tensor:
        """Computes Chebyshev distances, by chunks of rows."""
        chunks = []
        for start in range(0, first.shape[1], _CHUNK):
            rows = first[:, start : start + _CHUNK, None, :]
            difference = ops.abs(rows - second[:, None])
            chunks.append(ops.max(difference, axis=-1))
        return ops.concatenate(chunks, axis=1)


class EqualPlaces:
    """Row i of the first matrix with row i of the second."""

    @staticmethod
    def inner(first: Tensor, second: Tensor) -> Tensor:
        """Computes inner products, `(batch, rows)`."""
        return ops.sum(first * second, axis=-1)

    @staticmethod
    def squared_distance(first: Tensor, second: Tensor) -> Tensor:
        """Computes squared Euclidean distances."""
        return ops.sum(ops.square(first - second), axis=-1)

    @staticmethod
    def largest_difference(first: Tensor, second: Tensor) -> Tensor:
        """Computes Chebyshev distances."""
        return ops.max(ops.abs(first - second), axis=-1)


Pairing: TypeAlias = type[EveryPair] | type[EqualPlaces]
_Weights: TypeAlias = Callable[[Tensor, Tensor, Pairing], Tensor | float]


def unit_rows(x: Tensor) -> Tensor:
    """Scales rows to unit L2 norm; an all-zero row stays zero."""
    squared = ops.sum(ops.square(x), axis=-1, keepdims=True)
    # eps 1e-8 on the norm, as methods use it: 1e-16 on its square.
    return x * ops.rsqrt(ops.maximum(squared, 1e-16))


def centred_rows(x: Tensor) -> Tensor:
    """Subtracts each row's own mean; a constant row becomes zero."""
    centred = x - ops.mean(x, axis=-1, keepdims=True)
    squared = ops.sum(ops.square(centred), axis=-1, keepdims=True)
    noise = _CENTRED_NOISE * ops.sum(ops.square(x), axis=-1, keepdims=True)
    return ops.where(squared > noise, centred, 0.0)


def rank_rows(x: Tensor) -> Tensor:
    """Computes the ordinal ranks of each row, centred and of unit L2 norm.

    Ranks are a permutation, so all rows have the same norm. Therefore the
    inner product of two rows is `1 - 6 sum(d^2) / (n (n^2 - 1))`, Spearman's
    formula, without its cancellation. The position decides ties (a stable
    sort).
    """
    length = x.shape[-1]
    # Ascending order by a top-k of the negated row: in a tie the earlier
    # position comes first, and LiteRT has it as a built-in operation.
    _, order = ops.top_k(-x, length)
    _, ranks = ops.top_k(-ops.cast(order, "float32"), length)
    ranks = ops.cast(ranks, "float32") - (length - 1) / 2
    return ranks / np.sqrt(length * (length**2 - 1) / 12)


def _from_unit(rows: Callable[[Tensor], Tensor]) -> _Weights:
    """Makes weights of inner products of the rows that `rows` makes."""

    def weights(first: Tensor, second: Tensor, pairing: Pairing) -> Tensor:
        first_rows = rows(first)
        second_rows = first_rows if first is second else rows(second)
        return (pairing.inner(first_rows, second_rows) + 1.0) / 2.0

    return weights


def _spearman(first: Tensor, second: Tensor, pairing: Pairing) -> Tensor:
    if first.shape[-1] == 1:
        # One number has one rank: there is no difference.
        return ops.ones_like(pairing.inner(first, second))
    # Ranks are piecewise constant: they have no gradient.
    first_constant = ops.stop_gradient(first)
    second_constant = (
        first_constant if first is second else ops.stop_gradient(second)
    )
    return _from_unit(rank_rows)(first_constant, second_constant, pairing)


def _covariance(first: Tensor, second: Tensor, pairing: Pairing) -> Tensor:
    first_centred = centred_rows(first)
    second_centred = first_centred if first is second else centred_rows(second)
    covariance = pairing.inner(first_centred, second_centred)
    axes = tuple(range(1, len(covariance.shape)))
    low = ops.min(covariance, axis=axes, keepdims=True)
    high = ops.max(covariance, axis=axes, keepdims=True)
    spread = high - low
    # If all are equal, the highest is the size of each. A comparison with the
    # lowest would give both one scale in int8.
    varied = spread > _PRODUCT_NOISE * ops.abs(high)
    # The inner `where` keeps the gradient finite on the branch not taken.
    scaled = (covariance - low) / ops.where(varied, spread, 1.0)
    return ops.where(varied, scaled, 1.0)


def _closeness(distance: Tensor) -> Tensor:
    """Turns distances into similarities: `1 - D / max D` in each example."""
    axes = tuple(range(1, len(distance.shape)))
    largest = ops.max(distance, axis=axes, keepdims=True)
    return 1.0 - distance / ops.where(largest > 0.0, largest, 1.0)


def _euclidean(first: Tensor, second: Tensor, pairing: Pairing) -> Tensor:
    squared = pairing.squared_distance(first, second)
    apart = squared > 0.0
    root = ops.sqrt(ops.where(apart, squared, 1.0))
    return _closeness(ops.where(apart, root, 0.0))


def _chebyshev(first: Tensor, second: Tensor, pairing: Pairing) -> Tensor:
    return _closeness(pairing.largest_difference(first, second))


def _none(first: Tensor, second: Tensor, pairing: Pairing) -> float:
    return 1.0


# The equation of every name in the catalogue.
WEIGHTS: dict[Correlation, _Weights] = {
    "cosine": _from_unit(unit_rows),
    "pearson": _from_unit(lambda x: unit_rows(centred_rows(x))),
    "spearman": _spearman,
    "covariance": _covariance,
    "chebyshev": _chebyshev,
    "euclidean": _euclidean,
    "none": _none,
}


def correlation_weights(
    first: Tensor,
    second: Tensor,
    correlation: Correlation,
    pairing: Pairing = EveryPair,
) -> Tensor | float:
    """Computes how similar two sets of vectors are, as weights in [0, 1].

    - `cosine`: inner product of unit vectors; `(c + 1) / 2`.
    - `pearson`: cosine of centred vectors (eq 3.3, its square root put
      back); `(r + 1) / 2`.
    - `spearman`: Pearson of ordinal ranks (eq 3.4); `(r + 1) / 2`; a
      constant for the gradient.
    - `covariance`: eq 3.5; min-max over the example, ones if all are equal.
    - `chebyshev`: largest absolute difference (eq 3.6); `1 - D / max D`.
    - `euclidean`: Euclidean distance (eq 3.7); `1 - D / max D`.
    - `none`: 1, for the plain Gram matrix.

    Args:
        first: `(batch, rows, length)`, float32.
        second: `(batch, rows_2, length)`, float32. Pass `first` itself to
            compare a matrix with itself.
        correlation: one of the names above.
        pairing: `EveryPair` or `EqualPlaces`.

    Returns:
        Weights of the pairing's shape; the float 1.0 for `none`.
    """
    return WEIGHTS[correlation](first, second, pairing)
