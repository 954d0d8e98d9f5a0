"""The verdict on a model: is it any good, and what should be tried next.

A model is judged against guessing, against always answering the commonest
class, against its expert and against a classifier on frozen features.
"""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from keras_artkd.measure.confusions import confusion_cells
from keras_artkd.measure.intervals import may_be_chance, share_interval

_Facts: TypeAlias = Mapping[str, Any]

# With fewer validation images, one epoch is better than the next by chance.
FEW_VALIDATION_IMAGES = 100
# With fewer test images, one of them is more than a point.
_FEW_TEST_IMAGES = 100
# That a student and its expert are right about the same images correlates by
# about a half: 0.47 to 0.57 over five splits of 1,932 paintings.
_CORRELATION = 0.5
# An int8 file that loses more of its student's accuracy is worth a training
# for it, of so many epochs: most of what these gain comes in the first ones.
_INT8_LOSS = 0.01
FINE_TUNING_EPOCHS = 5
_INT8 = "Its int8 file"
# A student that gives one answer so much more often than it is right to has
# learned little.
_MORE_THAN_ITS_SHARE = 0.3
# Of images like the labelled ones a twentieth is left out.
_MOST_STRANGE = 0.5


def judge(
    metrics: _Facts,
    history: Mapping[str, Sequence[float | None]],
    validation_images: int,
    expert: _Facts | None = None,
    expert_folder: str | None = None,
) -> dict[str, Any]:
    """Judges a student by the test.

    Args:
        metrics: the run's metrics, with `test`.
        history: every logged value by epoch.
        validation_images: int, how many chose the epoch.
        expert: metrics of the expert's own run, where there is one.
        expert_folder: str, of that run; where it is given, a student that is
            clearly below its expert says how to deliver that one.

    Returns:
        dict, ready for `json.dump`: `useful`, bool, whether the student is
        better than the commonest class, beyond chance; `summary`, a sentence;
        `compared`, dict of name -> share of the test images that are right;
        `concerns`, a list of `{"what", "next"}`.
    """
    compared = _compared(metrics, expert)
    test = metrics["test"]
    guess = max(compared["chance"], compared["commonest_class"])
    low, _ = share_interval(test["accuracy"], test["num_examples"])
    useful = low > guess
    return {
        "useful": useful,
        "summary": _summary(metrics, compared, expert, useful),
        "compared": compared,
        "concerns": _concerns(
            metrics,
            history,
            validation_images,
            compared,
            useful,
            expert_folder,
            _expert_parameters(metrics, expert),
        ),
    }


def int8_concern(report: _Facts, folder: str) -> dict[str, str] | None:
    """What to do about an int8 file that loses much on the validation images.

    Args:
        report: of any file, from `deliver_student`.
        folder: str, of the run.

    Returns:
        `{"what", "next"}`; None where it loses no more than a point of
        accuracy, or no more than by chance.
    """
    # The file of all folds has no images that it could be judged by.
    judged = report.get("judged", {})
    drop = judged.get("accuracy_drop", 0.0)
    # Files of older versions have no interval.
    least, _ = judged.get("accuracy_drop_interval", (drop, drop))
    if (
        report["quantize"] != "int8"
        or drop <= _INT8_LOSS + 1e-9
        or least <= 1e-9
    ):
        return None
    command = shlex.join(["artkd", "export", folder])
    if report.get("format", "tflite") != "tflite":
        command += f" --format {report['format']}"
    return {
        "what": f"{_INT8} is right about fewer of the validation images than "
        f"the student in floats, by {_points(drop)}.",
        "next": f"{command} --quantize float16, which mostly loses nothing"
        if "fine_tuned" in report
        else f"{command} --fine-tune {FINE_TUNING_EPOCHS}, which trains it "
        "for int8",
    }


def with_int8_concern(
    verdict: _Facts, report: _Facts, folder: str
) -> dict[str, Any]:
    """A verdict that says of an int8 file what `int8_concern` does.

    What it said of an earlier int8 file is left out.

    Args:
        verdict: dict, of `judge`.
        report: see `int8_concern`.
        folder: see `int8_concern`.
    """
    others = [
        concern
        for concern in verdict["concerns"]
        if not concern["what"].startswith(_INT8)
    ]
    own = int8_concern(report, folder)
    return {**verdict, "concerns": [*others, *([own] if own else [])]}


def _compared(metrics: _Facts, expert: _Facts | None) -> dict[str, float]:
    test = metrics["test"]
    counts = [row["count"] for row in test["per_class"]]
    compared = {
        "student": test["accuracy"],
        "chance": 1 / len(counts),
        "commonest_class": max(counts) / max(sum(counts), 1),
    }
    if "initial" in metrics:
        compared["initial"] = metrics["initial"]["test_accuracy"]
    if expert is not None:
        compared["expert"] = expert["test"]["accuracy"]
    elif "expert" in metrics:
        compared["expert"] = metrics["expert"]["test_accuracy"]
    head = (expert or {}).get("frozen_head") or metrics.get("frozen_head")
    if head is not None:
        compared["frozen_head"] = head["test_accuracy"]
    return compared


def _summary(
    metrics: _Facts,
    compared: Mapping[str, float],
    expert: _Facts | None,
    useful: bool,
) -> str:
    own, number = compared["student"], metrics["test"]["num_examples"]
    guess = max(compared["chance"], compared["commonest_class"])
    low, high = share_interval(own, number)
    parts = []
    if useful:
        parts.append(f"better than guessing by {_points(own - guess)}")
    elif own > guess:
        parts.append(
            "NOT better than always answering the commonest class "
            f"({compared['commonest_class']:.1%}) by more than chance"
        )
    else:
        parts.append(
            "NOT better than always answering the commonest class "
            f"({compared['commonest_class']:.1%})"
        )
    frozen = compared.get("frozen_head")
    is_frozen = (expert or {}).get("train") == "head"
    name = "a classifier on frozen features"
    if "expert" in compared:
        part = _beside(
            own,
            compared["expert"],
            number,
            f"its expert{f', {name}' * is_frozen}",
        )
        parameters = _expert_parameters(metrics, expert)
        if parameters and parameters > 1.5 * metrics["parameters"]:
            ratio = parameters / metrics["parameters"]
            part += f", at 1/{ratio:.0f} of its parameters"
        parts.append(part)
    if frozen is not None and not is_frozen:
        parts.append(_beside(own, frozen, number, name))
    return (
        f"{own:.1%} of the {number:,} test images right (95%: {low:.1%} to "
        f"{high:.1%}): {'; '.join(parts)}.{_unlabelled(metrics)}"
    )


def _expert_parameters(metrics: _Facts, expert: _Facts | None) -> int | None:
    return (expert or metrics.get("expert", {})).get("parameters")


def _if_small(parameters: int | None) -> str:
    """Whether an int8 file, a byte a parameter, is small enough."""
    if parameters is None:
        return ""
    size = math.ceil(parameters / 1e6)
    return f", if about {size:,} MB is small enough"


def _unlabelled(metrics: _Facts) -> str:
    """What images without labels were for, where there were some."""
    known = metrics.get("pseudo_labels")
    if known is None:
        images = metrics.get("unlabelled_images", 0)
        return (
            f" It learned from {images:,} images without labels, too."
            if images
            else ""
        )
    strange = known.get("strange", 0)
    left_out = (
        f"; {strange:,} were left out as unlike the labelled ones"
        if strange
        else ""
    )
    by_hand = known.get("corrected", 0)
    person = f" and what a person says of {by_hand:,}" if by_hand else ""
    return (
        " Besides the labels it learned what its expert says of "
        f"{known['used'] - by_hand:,}{person} of {known['images']:,} images "
        f"without labels{left_out}."
    )


def _points(difference: float) -> str:
    points = round(100 * abs(difference), 1)
    return f"{points:g} point{'s' * (points != 1)}"


def _beside(own: float, other: float, number: int, name: str) -> str:
    """How an accuracy compares with another one of the same images."""
    difference = own - other
    if abs(difference) < 5e-4:
        return f"as good as {name}"
    words = (
        f"{_points(difference)} {'above' if difference > 0 else 'below'} {name}"
    )
    if may_be_chance(own, other, number, _CORRELATION):
        words += f" (which {number:,} images cannot tell from chance)"
    return words


def _concerns(
    metrics: _Facts,
    history: Mapping[str, Sequence[float | None]],
    validation_images: int,
    compared: Mapping[str, float],
    useful: bool,
    expert_folder: str | None,
    expert_parameters: int | None,
) -> list[dict[str, str]]:
    concerns = []

    def concern(what: str, remedy: str) -> None:
        concerns.append({"what": what, "next": remedy})

    student, guess = compared["student"], compared["commonest_class"]
    if not useful:
        known = ", as far as these images can tell" if student > guess else ""
        concern(
            f"It is no better than guessing{known}: do not use it.",
            "artkd doctor FOLDER, to see whether images and labels are as you "
            "think; then more images, or more --minutes",
        )
    name, share, right = _favourite_answer(metrics["test"])
    if share > right + _MORE_THAN_ITS_SHARE:
        concern(
            f"It answers {name} to {share:.0%} of the images.",
            "a smaller --learning-rate, or more images of the other classes",
        )
    number = metrics["test"]["num_examples"]

    def is_below(other: float) -> bool:
        return student < other and not may_be_chance(
            student, other, number, _CORRELATION
        )

    expert = compared.get("expert", 0.0)
    if expert_folder is not None and is_below(expert):
        concern(
            f"Its expert is right about more, by {_points(expert - student)}.",
            f"{shlex.join(['artkd', 'export', expert_folder])} --quantize int8"
            f"{_if_small(expert_parameters)}",
        )
    initial = compared.get("initial", 0.0)
    if is_below(initial):
        concern(
            "It is worse than the teacher trained beside it, by "
            f"{_points(initial - student)}.",
            "--method baseline, to see whether the teachers help at all",
        )
    if number < _FEW_TEST_IMAGES:
        concern(
            f"Only {number} images test it, of which each is "
            f"{_points(1 / max(number, 1))}.",
            "more images"
            if "folds" in metrics
            else "more images; of a folder, --folds 5 tests every image once",
        )
    chosen = (
        metrics.get("epoch_chosen_by", "validation") == "validation"
        or metrics["best_epoch"] < metrics["epochs"]
    )
    if chosen and validation_images < FEW_VALIDATION_IMAGES:
        concern(
            f"Only {validation_images} validation images chose the best "
            "epoch: the last one may be as good.",
            "--keep-epoch last; or --folds 5, which tests every image",
        )
    known = metrics.get("pseudo_labels", {})
    if known.get("strange", 0) > _MOST_STRANGE * known.get("images", 0):
        concern(
            f"{known['strange']:,} of {known['images']:,} images without "
            "labels were left out as unlike the labelled ones.",
            "look at them in the report; if they are what the student will "
            "meet, label some of them, or --options in_domain 1",
        )
    if _still_improving(metrics, history, validation_images):
        concern(
            "It was still improving at the last epoch.",
            f"--epochs {2 * metrics['epochs']}, or more --minutes",
        )
    return concerns


def _favourite_answer(test: _Facts) -> tuple[str, float, float]:
    """The class that is answered most often, how often, and its own share."""
    _, predicted, counts = confusion_cells(test).T
    answers = np.bincount(predicted, counts, len(test["per_class"]))
    index = int(np.argmax(answers))
    favourite = test["per_class"][index]
    total = max(answers.sum(), 1)
    share = float(answers[index] / total)
    return favourite["name"], share, float(favourite["count"] / total)


def _still_improving(
    metrics: _Facts,
    history: Mapping[str, Sequence[float | None]],
    validation_images: int,
) -> bool:
    """Whether the last quarter of the epochs gained more than chance does."""
    values = [v for v in history.get("val_accuracy", ()) if v is not None]
    if len(values) < 4 or metrics["best_epoch"] < metrics["epochs"]:
        return False
    last, before = values[-1], max(values[: -max(len(values) // 4, 1)])
    few = validation_images < FEW_VALIDATION_IMAGES
    # Of a few images that are all right the next may be wrong.
    share = (last * validation_images + 1) / (validation_images + 2)
    noise = np.sqrt(share * (1 - share) / max(validation_images, 1))
    return bool(last - before > (2 if few else 1) * noise)
