"""Names of AWGram's correlations."""

from typing import Literal, get_args

Correlation = Literal[
    "cosine",
    "pearson",
    "spearman",
    "covariance",
    "chebyshev",
    "euclidean",
    "none",
]
# `keras_artkd.layers.correlation` has the equation of each.
CORRELATIONS: tuple[Correlation, ...] = get_args(Correlation)
