"""Choice of the test images that a report shows; NumPy only."""

import dataclasses

import numpy as np

from keras_artkd.measure.metrics import softmax
from keras_artkd.types import Array

CONFUSIONS = 6
IMAGES_EACH = 3
ATTENTION_ROWS = 6


@dataclasses.dataclass(frozen=True)
class Confusion:
    """Images of one class that were classified as another.

    Attributes:
        true: the index of their class.
        predicted: the index of the other class.
        count: their number.
        rows: the most confident of these mistakes, most confident first.
        typical_predicted: recognised images of the other class, most
            confident first; empty if there are none.
        typical_true: recognised images of their class, likewise.
    """

    true: int
    predicted: int
    count: int
    rows: list[int]
    typical_predicted: list[int]
    typical_true: list[int]


def find_confusions(labels: Array, logits: Array) -> list[Confusion]:
    """The most frequent confusions of one class with another.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.

    Returns:
        At most six, most frequent first. Of equally frequent ones the one
        with the larger share of its class comes first.
    """
    labels, predictions, confidence = _answers(labels, logits)
    classes = np.asarray(logits).shape[1]
    matrix = np.zeros((classes, classes), dtype="int64")
    np.add.at(matrix, (labels, predictions), 1)
    sizes = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    pairs = sorted(
        zip(*(axis.tolist() for axis in np.nonzero(matrix)), strict=True),
        key=lambda pair: (-matrix[pair], sizes[pair[0]], pair),
    )

    def surest(true: int, predicted: int) -> list[int]:
        rows = np.flatnonzero((labels == true) & (predictions == predicted))
        order = np.argsort(-confidence[rows], kind="stable")
        return [int(row) for row in rows[order][:IMAGES_EACH]]

    return [
        Confusion(
            true=true,
            predicted=predicted,
            count=int(matrix[true, predicted]),
            rows=surest(true, predicted),
            typical_predicted=surest(predicted, predicted),
            typical_true=surest(true, true),
        )
        for true, predicted in pairs[:CONFUSIONS]
    ]


def choose_attention_rows(labels: Array, logits: Array) -> list[int]:
    """Chooses test images for attention maps, some right and some wrong.

    Takes right and wrong answers in turn. Prefers the classes that were
    chosen least so far, then the most confident answer.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.

    Returns:
        At most six distinct rows, sorted.
    """
    labels, predictions, confidence = _answers(labels, logits)
    right = predictions == labels
    shown = np.zeros(np.asarray(logits).shape[1], dtype="int64")
    free = np.ones(len(labels), dtype=bool)
    chosen = []
    for turn in range(min(ATTENTION_ROWS, len(labels))):
        wanted = free & (right if turn % 2 == 0 else ~right)
        rows = np.flatnonzero(wanted if wanted.any() else free)
        best = rows[np.lexsort((-confidence[rows], shown[labels[rows]]))[0]]
        free[best] = False
        shown[labels[best]] += 1
        chosen.append(int(best))
    return sorted(chosen)


def choose_rows(labels: Array, logits: Array) -> list[int]:
    """Chooses every test image that a report shows.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.

    Returns:
        The distinct rows of `find_confusions` and of
        `choose_attention_rows`, sorted.
    """
    rows = set(choose_attention_rows(labels, logits))
    for confusion in find_confusions(labels, logits):
        rows |= {
            *confusion.rows,
            *confusion.typical_predicted,
            *confusion.typical_true,
        }
    return sorted(rows)


def _answers(labels: Array, logits: Array) -> tuple[Array, Array, Array]:
    """Labels, predictions and their confidence."""
    logits = np.asarray(logits, "float64")
    return (
        np.asarray(labels, "int64"),
        logits.argmax(axis=1),
        softmax(logits).max(axis=1),
    )
