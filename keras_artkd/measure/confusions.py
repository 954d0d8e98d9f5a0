"""Which classes a classifier takes for which: pairs, or their matrix."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_artkd.types import Array


def count_confusions(labels: Array, predictions: Array) -> list[list[int]]:
    """Counts how often each pair of a true and a predicted class occurs.

    Of ten thousand classes most pairs never occur: a matrix would have a
    hundred million cells, this has as many as there are images at most.

    Args:
        labels: true class indices, integer, `(n,)`.
        predictions: predicted ones, integer, `(n,)`.

    Returns:
        A list of `[true class, predicted class, count]`, in this order.
    """
    pairs = np.stack([labels, predictions], axis=1)
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    cells: list[list[int]] = np.column_stack([found, counts]).tolist()
    return cells


def confusion_cells(test: Mapping[str, Any]) -> Array:
    """The pairs of a run's test, `(pairs, 3)`: true, predicted, count.

    Args:
        test: of `classification_metrics`, or of a run of an older version,
            which has the matrix instead.
    """
    if "confusions" in test:
        return np.asarray(test["confusions"], "int64").reshape(-1, 3)
    matrix = np.asarray(test["confusion_matrix"], "int64")
    true, predicted = np.nonzero(matrix)
    return np.column_stack([true, predicted, matrix[true, predicted]])


def confusion_matrix(test: Mapping[str, Any]) -> Array:
    """The same as counts `(classes, classes)`, a row for each true class.

    It is as large as the square of the classes.

    Args:
        test: see `confusion_cells`.
    """
    classes = len(test["per_class"])
    true, predicted, counts = confusion_cells(test).T
    matrix = np.zeros((classes, classes), "int64")
    matrix[true, predicted] = counts
    return matrix
