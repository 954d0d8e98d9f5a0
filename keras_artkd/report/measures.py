"""What a run measured, with its uncertainty."""

import dataclasses

import numpy as np

from keras_artkd.evaluate import softmax
from keras_artkd.statistics import (
    FEWEST_OF_A_CLASS,
    bootstrap_metrics,
    share_interval,
    wilson_interval,
)

# Name in the metrics -> heading and what it means.
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
# How the name of a column of the history ends that is a `Spread`.
_SPREAD = "_spread"


@dataclasses.dataclass(frozen=True)
class Measure:
    """A number of the test split.

    Attributes:
        key: str, its name in `metrics.json`.
        name: str, heading.
        meaning: str, in plain words.
        value: float, a share.
        interval: `(low, high)` that hold the truth 95 times in 100, or None
            where the answers to the single images are not kept, or too few.
        reason: str, why there is none.
    """

    key: str
    name: str
    meaning: str
    value: float
    interval: tuple[float, float] | None
    reason: str = ""


def headline(run):
    """Returns the list of `Measure` a report begins with."""
    test = run.metrics["test"]
    intervals = {}
    if run.logits:
        intervals = bootstrap_metrics(run.labels, run.logits["student"])
    # Shares of the images: with none or all of them, draws would not differ.
    for key in {"accuracy", "top5_accuracy"} & set(test):
        intervals[key] = share_interval(test[key], test["num_examples"])
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


def _why_no_interval(run, key):
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
    """How one class fares.

    Attributes:
        index: int, its place among the classes.
        name: str.
        count: int, its test images, at least one.
        accuracy: float, the share recognised.
        interval: `(low, high)`, 95 %.
        taken_for: name of the class its images are most often taken for,
            None if none is.
        taken_share: float, the share taken for it.
    """

    index: int
    name: str
    count: int
    accuracy: float
    interval: tuple[float, float]
    taken_for: str | None
    taken_share: float


def class_results(run):
    """Every class that occurs in the test split, the worst first.

    Returns:
        list of `ClassResult`.
    """
    matrix = np.asarray(run.metrics["test"]["confusion_matrix"])
    results = []
    for index, (name, row) in enumerate(
        zip(run.class_names, matrix, strict=True)
    ):
        count = int(row.sum())
        if not count:
            continue
        mistakes = row.copy()
        mistakes[index] = 0
        most = int(mistakes.argmax())
        results.append(
            ClassResult(
                index=index,
                name=name,
                count=count,
                accuracy=row[index] / count,
                interval=wilson_interval(int(row[index]), count),
                taken_for=run.class_names[most] if mistakes[most] else None,
                taken_share=mistakes[most] / count,
            )
        )
    return sorted(results, key=lambda r: (r.accuracy, -r.count, r.index))


def guesses(run):
    """What needs no pictures: `(share, name)` of always the commonest class.

    The share is of the test images, the class the commonest among them.
    """
    sizes = np.asarray(run.metrics["test"]["confusion_matrix"]).sum(axis=1)
    return sizes.max() / sizes.sum(), run.class_names[int(sizes.argmax())]


def mean_confidence(run):
    """The student's mean confidence, a share."""
    return float(softmax(run.logits["student"]).max(axis=1).mean())


@dataclasses.dataclass(frozen=True)
class Agreement:
    """A teacher beside its student.

    Attributes:
        role: str.
        name: str, of the network.
        accuracy: float, the teacher's on the test images.
        accuracy_interval: `(low, high)`, 95 %.
        agreement: float, the share of images both answer alike.
        agreement_interval: `(low, high)`, 95 %.
        table: counts `[[both right, student alone], [teacher alone, both
            wrong]]`, None where the answers are not kept.
        same_mistake: int, images on which both are wrong alike, or None.
    """

    role: str
    name: str
    accuracy: float
    accuracy_interval: tuple[float, float]
    agreement: float
    agreement_interval: tuple[float, float]
    table: list[list[int]] | None
    same_mistake: int | None


def agreements(run):
    """Returns a list of `Agreement`, one of each teacher."""
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
                run.logits[name].argmax(axis=1) for name in ("student", role)
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
    """How far a student's attention to its own exits is from uniform.

    Attributes:
        key: str, its name in `history.json`.
        name: str, of the term of the loss that the attention is of.
        values: list of float, one an epoch: the largest distance of an
            exit's weight from `1 / exits`, averaged over the images.
    """

    key: str
    name: str
    values: list[float]


def attention_spreads(run):
    """Returns a list of `Spread`; empty without attention to exits."""
    return [
        Spread(key, key.removesuffix(_SPREAD), values)
        for key, values in run.history.items()
        if is_spread(key) and is_curve(values)
    ]


def is_spread(key):
    """Whether a column of the history is an attention's, no term's."""
    return key.endswith(_SPREAD)


def is_curve(values):
    """Whether a column of the history has a number for each epoch.

    Or None for the epochs of a phase of the training without it.
    """
    numbers = [v for v in values if v is not None]
    return bool(numbers) and all(isinstance(v, (int, float)) for v in numbers)
