"""Model cards: what a model is, what it was measured to do, its limits.

Reference: Mitchell et al., "Model Cards for Model Reporting", FAT* 2019,
https://arxiv.org/abs/1810.03993.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from keras_artkd.catalogue.networks import without_place
from keras_artkd.deploy.model_info import describe_calibration
from keras_artkd.output import turns_escaped

_Facts: TypeAlias = Mapping[str, Any]

NO_LICENCE = "not stated"
_WORST_CLASSES = 5
# What epoch 0 is.
_BEFORE = " (the classifier on inherited features, before the training)"
_MEASURES = {
    "accuracy": "accuracy",
    "macro_accuracy": "mean over the classes",
    "top5_accuracy": "top 5",
    "expected_calibration_error": "expected calibration error",
}


def model_card(
    config: _Facts, data: _Facts, metrics: _Facts, export: _Facts | None = None
) -> str:
    """Returns the card of one file, Markdown.

    Args:
        config: dict, a run's `config.json`.
        data: dict, its `data.json`.
        metrics: dict, its `metrics.json`, or what is known of it.
        export: dict, the report of `keras_artkd.deploy.export.deliver` on the
            file, with `format` and `quantize`; None for the Keras model.
    """
    # The front matter is what model hubs read.
    front = (
        "---\n"
        f"license: {_quoted(config.get('licence', NO_LICENCE))}\n"
        "pipeline_tag: image-classification\n"
        "library_name: keras\n"
        "---\n\n"
    )
    text = card_text(config, data, metrics, export=export)
    # Marks of direction would turn the numbers beside a class's name.
    return turns_escaped(front) + text


def data_title(data: _Facts) -> str:
    """The name of a run's data: of their folder or file, without its place."""
    source = data.get("load", {}).get("data_dir") or data["name"]
    return pathlib.PurePath(source).stem


def card_title(data: _Facts, metrics: _Facts) -> str:
    """Which network, on which data."""
    return f"{without_place(metrics['student'])} on {data_title(data)}"


def card_text(
    config: _Facts,
    data: _Facts,
    metrics: _Facts,
    first: Mapping[str, str] | None = None,
    export: _Facts | None = None,
) -> str:
    """The text of a card, without front matter.

    Args:
        config: see `model_card`, as for `data`, `metrics` and `export`.
        data: dict.
        metrics: dict.
        first: dict of title -> text, sections before all others.
        export: dict, or None.
    """
    sections = {
        **(first or {}),
        "Verdict": _verdict(metrics),
        "Data": _data(config, data, metrics),
        "Method": _method(config, metrics),
        "Measured": _measured(metrics),
        "This file": _file(export) if export else None,
        "Intended use": _use(data),
        "Limits": _limits(config, data, metrics),
        "Licence": f"{config.get('licence', NO_LICENCE)}\n",
    }
    return turns_escaped(
        f"# {card_title(data, metrics)}\n\n"
        f"Tells {len(data['class_names'])} classes of images apart. "
        f"{metrics['parameters']:,} parameters.\n\n"
        + "\n".join(
            f"## {heading}\n\n{text}"
            for heading, text in sections.items()
            if text
        )
    )


def _verdict(metrics: _Facts) -> str | None:
    verdict = metrics.get("verdict")
    if verdict is None:
        return None
    concerns = "".join(f"- {c['what']}\n" for c in verdict["concerns"])
    return f"{verdict['summary']}\n" + (f"\n{concerns}" if concerns else "")


def _quoted(text: object) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _data(config: _Facts, data: _Facts, metrics: _Facts) -> str:
    splits = data["splits"]
    group = (
        ""
        if config["group"] == "none"
        else f" No {config['group']} is in two splits."
    )
    count = len(splits["train"])
    divided = (
        f"{count:,} images to train on, "
        f"{len(splits['validation']):,} to choose the epoch, "
        f"{len(splits['test']):,} to test, disjoint by content."
    )
    if folds := metrics.get("folds"):
        shares = ", ".join(f"{fold['accuracy']:.1%}" for fold in folds)
        divided = (
            f"{count:,} images, and all of them trained this model. What is "
            f"measured here is of {len(folds)} models trained alike, each "
            "tested on the images that it did not see, and every image tested "
            f"once: {shares}."
        )
    return (
        f"{divided}"
        f"{_pseudo_labels(metrics)}{group} "
        f"Left out or doubtful: {len(data['skipped']):,}.\n\n"
        f"Classes: {', '.join(data['class_names'])}.\n"
    )


def _pseudo_labels(metrics: _Facts) -> str:
    known = metrics.get("pseudo_labels")
    if known is None:
        return ""
    corrected = (
        f", {known['corrected']:,} labelled by hand"
        if known["corrected"]
        else ""
    )
    right = (
        f"; {known['right'] / known['known']:.1%} of these are right, by "
        f"labels that were hidden from {known['known']:,}"
        if known["known"]
        else ""
    )
    strange = (
        f" {known['strange']:,} were left out as unlike the labelled ones."
        if known.get("strange")
        else ""
    )
    return (
        f" Also {known['images']:,} images without labels: from "
        f"{known['used']:,} of them the student learned what the expert says "
        f"(mean confidence {known['confidence']:.1%}{corrected}){right}."
        f"{strange}"
    )


def _method(config: _Facts, metrics: _Facts) -> str:
    teachers = [
        f"{article} {role} teacher {metrics[role]['name']} "
        f"({metrics[role]['parameters']:,} parameters, "
        f"{metrics[role]['test_accuracy']:.1%} of the test images)"
        for role, article in (("expert", "the"), ("initial", "an"))
        if role in metrics
    ]
    taught = f", taught by {' and '.join(teachers)}" if teachers else ""
    # Older runs have no such setting.
    augmented = ", ".join(config.get("augment", ()))
    images = f", images augmented by {augmented}" if augmented else ""
    return (
        f"Knowledge distillation by keras_artkd, method `{config['method']}`"
        f"{taught}{images}. {metrics['epochs']} epochs, {_kept(metrics)}; seed "
        f"{config['seed']}.\n"
    )


def _kept(metrics: _Facts) -> str:
    best, how = metrics["best_epoch"], "was best on the validation images"
    if metrics.get("epoch_chosen_by", "validation") != "validation":
        if best == metrics["epochs"]:
            return "of which the last is kept"
        how = "is kept: later ones are worse on the validation images"
    return f"of which epoch {best}{'' if best else _BEFORE} {how}"


def _measured(metrics: _Facts) -> str:
    test = metrics["test"]
    count = test["num_examples"]
    intervals = metrics.get("test_intervals", {})
    rows = [
        (title, f"{test[name]:.1%}", _interval(intervals.get(name)))
        for name, title in _MEASURES.items()
        if name in test
    ]
    return (
        f"On {count:,} test images:\n\n"
        "| measure | value | 95 % interval |\n| --- | ---: | --- |\n"
        + "".join(f"| {' | '.join(row)} |\n" for row in rows)
        + "\nThe intervals are what chance in the choice of the test images "
        "makes of one training; another seed may differ by more.\n"
    )


def _interval(interval: Sequence[float] | None) -> str:
    return "{:.1%} to {:.1%}".format(*interval) if interval else "–"


def _file(export: _Facts) -> str:
    calibration = describe_calibration(export.get("calibration_images", 0))
    further = (
        f" The network was trained {export['fine_tuned']} epochs more for "
        "this file, with its arithmetic."
        if "fine_tuned" in export
        else ""
    )
    return (
        f"{export['format']}, quantisation: {export['quantize']}, "
        f"calibration: {calibration}.{further} Classifies "
        f"{export['agreement']:.1%} of {export['held_out']} as the Keras "
        f"model does, {export['accuracy']:.1%} of them correctly.\n"
    )


def _use(data: _Facts) -> str:
    first = ", ".join(data["class_names"][:3])
    return (
        f"To suggest one of its classes ({first} ...) for an image like those "
        "it was trained on. A suggestion for a person to check: no "
        "attribution, no expertise, no decision about people.\n"
    )


def _limits(config: _Facts, data: _Facts, metrics: _Facts) -> str:
    known = [c for c in metrics["test"]["per_class"] if c["count"]]
    worst = sorted(known, key=lambda c: c["accuracy"])[:_WORST_CLASSES]
    return (
        "- Always answers one of its classes, also for an image of none.\n"
        f"- Sees the central square at {config['image_size']} pixels: what "
        "lies outside, and finer detail, it cannot use.\n"
        "- Least often right: "
        + "; ".join(
            f"{c['name']} ({c['accuracy']:.0%} of {c['count']})" for c in worst
        )
        + ".\n- Its confidence is the softmax of its logits, as well "
        "calibrated as the error above says, on images like these alone.\n"
        "- Whatever its training images lack or overrepresent (times, "
        "places, makers, ways of photographing) it inherits.\n"
    )
