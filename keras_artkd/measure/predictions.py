"""What a classifier predicts of a class on average."""

import numpy as np
import numpy.typing as npt

from keras_artkd.measure.metrics import softmax
from keras_artkd.types import Array


def mean_predictions(
    labels: npt.ArrayLike,
    logits: npt.ArrayLike,
    temperature: float = 1.0,
    by_class: bool = True,
) -> tuple[Array, Array]:
    """Mean probabilities of every class, over all images and over a class's.

    Args:
        labels: true class indices, integer, `(n,)`.
        logits: unnormalised scores, `(n, classes)`, finite.
        temperature: float > 0, which divides the logits.
        by_class: bool, whether to make the matrix, which is as large as the
            square of the classes.

    Returns:
        `(matrix, means)`, float64: `(classes, classes)`, whose row is the mean
        probabilities of the images of a true class, NaN of a class without
        any, or empty; and `(classes,)`, those of all images.

    Raises:
        ValueError: if the temperature is not positive.

    Reference: paper 001, figure 1, the intra-class distribution.
    """
    if not temperature > 0:
        raise ValueError(
            "`temperature` must be positive. "
            f"Received: temperature={temperature}."
        )
    labels = np.asarray(labels, "int64")
    probabilities = softmax(np.asarray(logits, "float64") / temperature)
    means = probabilities.mean(axis=0)
    if not by_class:
        return np.empty((0, 0)), means
    classes = len(means)
    sums = np.zeros((classes, classes))
    np.add.at(sums, labels, probabilities)
    counts = np.bincount(labels, minlength=classes)
    matrix = np.full_like(sums, np.nan)
    found = counts > 0
    matrix[found] = sums[found] / counts[found, None]
    return matrix, means
