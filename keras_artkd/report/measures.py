"""The numbers of a report, with their uncertainty."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from keras_artkd.measure.confusions import confusion_cells
from keras_artkd.measure.intervals import (
    FEWEST_OF_A_CLASS,
    metric_intervals,
    share_interval,
    wilson_interval,
)
from keras_artkd.measure.metrics import softmax
from keras_artkd.report.run import STUDENT, Run

# Name in the metrics -> heading and meaning.
_HEADLINES = {
    "accuracy": ("Accuracy", "share of the test images classified correctly"),
    "macro_accuracy": (
        "Mean of the classes",
        "accuracy of each class, averaged: rare classes count as much",
    ),
    "top5_accuracy": (
        "Top 5",
        "share whose class is among the five likeliest answers",
    ),
    "expected_calibration_error": (
        "Calibration error",
        "how far confidence is from accuracy on average; 0 is perfect",
    ),
}
# The end of the name of a column of the history that is a `Spread`.
_SPREAD = "_spread"
# The name of a column of the history that is a curve of `ExitWeights`.
_EXIT_WEIGHT = re.compile(r"(.+)_(exit)(\d+)_weight")


@dataclasses.dataclass(frozen=True)
class Measure:
    """A number of the test split.

    Attributes:
        key: its name in `metrics.json`.
        name: its heading.
        meaning: its meaning in plain words.
        value: a share.
        interval: `(low, high)`, 95 %; None if the answers to the single
            images are not kept or too few.
        reason: why there is no interval.
    """

    key: str
    name: str
    meaning: str
    value: float
    interval: tuple[float, float] | None
    reason: str = ""


def headline(run: Run) -> list[Measure]:
    """Returns the numbers at the top of a report."""
    test = run.metrics["test"]
    # The same numbers on the page as in the file and on the card.
    intervals = run.metrics.get("test_intervals")
    if intervals is None and run.logits:  # A run of an older version.
        intervals = metric_intervals(run.labels, run.logits[STUDENT])
    intervals = {key: tuple(ends) for key, ends in (intervals or {}).items()}
    return [
        Measure(
            key,
            name,
            meaning,
            test[key],
            intervals.get(key),
            "" if key in intervals else _why_no_interval(run, key),
        )
        for key, (name, meaning) in _HEADLINES.items()
        if key in test
    ]


def _why_no_interval(run: Run, key: str) -> str:
    if not run.logits:
        return "the run kept no predictions.npz"
    if key != "macro_accuracy":
        return "too few test images"
    counts = [row["count"] for row in run.metrics["test"]["per_class"]]
    if min(filter(None, counts)) < FEWEST_OF_A_CLASS:
        return "too few test images of some classes"
    return "each class is all right or all wrong"


@dataclasses.dataclass(frozen=True)
class ClassResult:
    """The result of one class.

    Attributes:
        index: its place among the classes.
        name: its name.
        count: the number of its test images, at least one.
        accuracy: the share of them that is recognised.
        interval: `(low, high)` of it, 95 %.
        taken_for: name of the class that its other images are most often
            taken for; None without mistakes.
        taken_share: the share of its images that is taken for that class.
    """

    index: int
    name: str
    count: int
    accuracy: float
    interval: tuple[float, float]
    taken_for: str | None
    taken_share: float


def class_results(run: Run) -> list[ClassResult]:
    """Every class that occurs in the test split, the worst first."""
    test, names = run.metrics["test"], run.class_names
    right = [0] * len(names)
    # The class that each is taken for most often, the first of equals.
    taken = [(0, 0)] * len(names)
    for true, predicted, count in confusion_cells(test).tolist():
        if true == predicted:
            right[true] = count
        elif count > taken[true][1]:
            taken[true] = (predicted, count)
    results = []
    for index, name in enumerate(names):
        count = test["per_class"][index]["count"]
        if not count:
            continue
        other, mistakes = taken[index]
        results.append(
            ClassResult(
                index=index,
                name=name,
                count=count,
                accuracy=right[index] / count,
                interval=wilson_interval(right[index], count),
                taken_for=names[other] if mistakes else None,
                taken_share=mistakes / count,
            )
        )
    return sorted(results, key=lambda r: (r.accuracy, -r.count, r.index))


def guesses(run: Run) -> tuple[float, str]:
    """The commonest class of the test images: its share and its name."""
    sizes = [one["count"] for one in run.metrics["test"]["per_class"]]
    most = max(sizes)
    return most / sum(sizes), run.class_names[sizes.index(most)]


def mean_confidence(run: Run) -> float:
    """The student's mean confidence, a share."""
    return float(softmax(run.logits[STUDENT]).max(axis=1).mean())


@dataclasses.dataclass(frozen=True)
class Agreement:
    """A teacher compared with its student, on the test images.

    Attributes:
        role: the teacher's role.
        name: the name of its network.
        accuracy: the teacher's accuracy.
        accuracy_interval: `(low, high)`, 95 %.
        agreement: the share of images with the same answer of both.
        agreement_interval: `(low, high)`, 95 %.
        table: counts `[[both right, only the student], [only the teacher,
            both wrong]]`; None if the answers are not kept.
        same_mistake: the number of images with the same wrong answer, or
            None.
    """

    role: str
    name: str
    accuracy: float
    accuracy_interval: tuple[float, float]
    agreement: float
    agreement_interval: tuple[float, float]
    table: list[list[int]] | None
    same_mistake: int | None


def agreements(run: Run) -> list[Agreement]:
    """Compares every teacher with the student."""
    count = run.metrics["test"]["num_examples"]
    results = []
    for role in run.teachers:
        teacher = run.metrics[role]
        table = same_mistake = None
        if role in run.logits:
            own, other = run.correct(), run.correct(role)
            table = [
                [int((own & other).sum()), int((own & ~other).sum())],
                [int((~own & other).sum()), int((~own & ~other).sum())],
            ]
            answers = [
                run.logits[name].argmax(axis=1) for name in (STUDENT, role)
            ]
            same_mistake = int((~own & (answers[0] == answers[1])).sum())
        results.append(
            Agreement(
                role=role,
                name=teacher["name"],
                accuracy=teacher["test_accuracy"],
                accuracy_interval=share_interval(
                    teacher["test_accuracy"], count
                ),
                agreement=teacher["agreement_with_student"],
                agreement_interval=share_interval(
                    teacher["agreement_with_student"], count
                ),
                table=table,
                same_mistake=same_mistake,
            )
        )
    return results


@dataclasses.dataclass(frozen=True)
class Spread:
    """The distance of a student's attention to its exits from uniform.

    Attributes:
        key: its name in `history.json`.
        name: the term of the loss that the attention belongs to.
        values: one an epoch: the largest distance of an exit's weight from
            `1 / exits`, averaged over the images; None for an epoch of a
            phase without it.
    """

    key: str
    name: str
    values: Sequence[float | None]


def attention_spreads(run: Run) -> list[Spread]:
    """The spreads in the history; none without attention to exits."""
    return [
        Spread(key, key.removesuffix(_SPREAD), values)
        for key, values in run.history.items()
        if is_spread(key) and is_curve(values)
    ]


@dataclasses.dataclass(frozen=True)
class ExitWeights:
    """What a student's attention gave to its shallow exits.

    Attributes:
        name: the term of the loss that the attention belongs to.
        curves: `exit <i>` -> one weight an epoch, averaged over the images;
            None for an epoch of a phase without it.
    """

    name: str
    curves: dict[str, Sequence[float | None]]


def exit_weights(run: Run) -> list[ExitWeights]:
    """The weights in the history; none without attention to exits."""
    found: dict[str, dict[str, Sequence[float | None]]] = {}
    for key, values in run.history.items():
        match = _EXIT_WEIGHT.fullmatch(key)
        if match and is_curve(values):
            found.setdefault(match[1], {})[f"{match[2]} {match[3]}"] = values
    return [ExitWeights(name, curves) for name, curves in found.items()]


def is_spread(key: str) -> bool:
    """Whether a column of the history is a `Spread`, not a term's."""
    return key.endswith(_SPREAD)


def is_exit_weight(key: str) -> bool:
    """Whether a column of the history is of `ExitWeights`, not a term's."""
    return _EXIT_WEIGHT.fullmatch(key) is not None


def is_curve(values: Any) -> bool:
    """Whether a column of the history has numbers by epoch.

    Epochs of a phase of the training without it have None.
    """
    numbers = [v for v in values if v is not None]
    return bool(numbers) and all(isinstance(v, (int, float)) for v in numbers)
