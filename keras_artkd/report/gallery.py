"""Which test images are worth looking at; NumPy only."""

import dataclasses

import numpy as np

from keras_artkd.evaluate import softmax

CONFUSIONS = 6
IMAGES_EACH = 3
ATTENTION_ROWS = 6


@dataclasses.dataclass(frozen=True)
class Confusion:
    """Images of one class that were taken for another.

    Attributes:
        true: int, the class they belong to.
        predicted: int, the class they were taken for.
        count: int, how many there are.
        rows: the most confident of these mistakes, most confident first.
        typical_predicted: images of the class they were taken for,
            recognised, most confident first; empty where none was.
        typical_true: the same of the class they belong to.
    """

    true: int
    predicted: int
    count: int
    rows: list[int]
    typical_predicted: list[int]
    typical_true: list[int]


def find_confusions(labels, logits):
    """The most frequent confusions, of one class with another.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.

    Returns:
        list of at most six `Confusion`, most frequent first; of equally
        frequent ones the larger share of its class first.
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

    def surest(true, predicted):
        rows = np.flatnonzero((labels == true) & (predictions == predicted))
        order = np.argsort(-confidence[rows], kind="stable")
        return rows[order][:IMAGES_EACH].tolist()

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


def choose_attention_rows(labels, logits):
    """Test images to show attention maps of: some right, some wrong.

    Right and wrong in turn, of a class that was shown least so far, the most
    confident answer first.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.

    Returns:
        sorted list of at most six distinct rows.
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


def choose_rows(labels, logits):
    """Every test image that a report shows.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.

    Returns:
        sorted list of distinct rows: those of `find_confusions` and of
        `choose_attention_rows`.
    """
    rows = set(choose_attention_rows(labels, logits))
    for confusion in find_confusions(labels, logits):
        rows |= {
            *confusion.rows,
            *confusion.typical_predicted,
            *confusion.typical_true,
        }
    return sorted(rows)


def _answers(labels, logits):
    """Labels, predictions and their confidence."""
    logits = np.asarray(logits, "float64")
    return (
        np.asarray(labels, "int64"),
        logits.argmax(axis=1),
        softmax(logits).max(axis=1),
    )
