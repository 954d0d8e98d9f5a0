"""Choice of the test images that a report shows; NumPy only."""

import collections
import dataclasses
import itertools

import numpy as np

from keras_artkd.measure.metrics import softmax
from keras_artkd.types import Array

CONFUSIONS = 6
IMAGES_EACH = 3
ATTENTION_ROWS = 6
# For a pair that somebody names: of each pair so many mistakes, the commonest
# pairs first, until there are so many of all. That is some 4 MB a run.
PAIR_IMAGES = 6
PAIRS_IMAGES = 180


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
    answers = _answers(labels, logits)

    def surest(true: int, predicted: int) -> list[int]:
        return _surest(answers, true, predicted)[:IMAGES_EACH]

    return [
        Confusion(
            true=true,
            predicted=predicted,
            count=len(_surest(answers, true, predicted)),
            rows=surest(true, predicted),
            typical_predicted=surest(predicted, predicted),
            typical_true=surest(true, true),
        )
        for true, predicted in _pairs(answers)[:CONFUSIONS]
    ]


def find_taken_for(
    labels: Array, logits: Array, true: int, predicted: int
) -> list[int]:
    """The images of one class that were classified as another.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.
        true: the index of their class.
        predicted: the index of the other class.

    Returns:
        All their rows, the most confident answer first.
    """
    return _surest(_answers(labels, logits), true, predicted)


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
    """Chooses every test image that a report shows, or may be asked for.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.

    Returns:
        The distinct rows of `find_confusions` and of
        `choose_attention_rows`, and at most `PAIRS_IMAGES` mistakes more, for
        a pair of classes that somebody names; sorted.
    """
    rows = set(choose_attention_rows(labels, logits))
    for confusion in find_confusions(labels, logits):
        rows |= {
            *confusion.rows,
            *confusion.typical_predicted,
            *confusion.typical_true,
        }
    answers = _answers(labels, logits)
    mistakes = (
        row
        for pair in _pairs(answers)
        for row in _surest(answers, *pair)[:PAIR_IMAGES]
    )
    return sorted(rows | {*itertools.islice(mistakes, PAIRS_IMAGES)})


# Labels, predictions and their confidence, each `(n,)`.
_Answers = tuple[Array, Array, Array]


def _pairs(answers: _Answers) -> list[tuple[int, int]]:
    """Every pair `(true, predicted)` that was confused, commonest first."""
    labels, predictions, _ = answers
    sizes = np.bincount(labels)
    wrong = labels != predictions
    counts = collections.Counter(
        zip(labels[wrong].tolist(), predictions[wrong].tolist(), strict=True)
    )
    return sorted(
        counts, key=lambda pair: (-counts[pair], sizes[pair[0]], pair)
    )


def _surest(answers: _Answers, true: int, predicted: int) -> list[int]:
    """The rows of a class with an answer, the most confident first."""
    labels, predictions, confidence = answers
    rows = np.flatnonzero((labels == true) & (predictions == predicted))
    order = np.argsort(-confidence[rows], kind="stable")
    return [int(row) for row in rows[order]]


def _answers(labels: Array, logits: Array) -> _Answers:
    """Labels, predictions and their confidence."""
    logits = np.asarray(logits, "float64")
    return (
        np.asarray(labels, "int64"),
        logits.argmax(axis=1),
        softmax(logits).max(axis=1),
    )
