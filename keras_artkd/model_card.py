"""The model card: what a model is, what it was measured to do, its limits.

Reference: Mitchell et al., "Model Cards for Model Reporting", FAT* 2019,
https://arxiv.org/abs/1810.03993.
"""

import pathlib

from keras_artkd.statistics import wilson_interval

NO_LICENCE = "not stated"
_WORST_CLASSES = 5


def model_card(config, data, metrics, export=None):
    """Returns the card of one file, Markdown.

    Args:
        config: dict, a run's `config.json`.
        data: dict, its `data.json`.
        metrics: dict, its `metrics.json`, or what is known of it.
        export: dict, the report of `keras_artkd.export.deliver` on the file,
            with `format` and `quantize`; None for the Keras model itself.
    """
    sections = {
        "Data": _data(config, data),
        "Method": _method(config, metrics),
        "Measured": _measured(metrics),
        "This file": _file(export) if export else None,
        "Intended use": _use(data),
        "Limits": _limits(config, data, metrics),
        "Licence": f"{config.get('licence', NO_LICENCE)}\n",
    }
    source = data.get("load", {}).get("data_dir") or data["name"]
    title = f"{metrics['student']} on {pathlib.PurePath(source).stem}"
    # The front matter is what model hubs read.
    return (
        "---\n"
        f"license: {_quoted(config.get('licence', NO_LICENCE))}\n"
        "pipeline_tag: image-classification\n"
        "library_name: keras\n"
        "---\n\n"
        f"# {title}\n\n"
        f"Tells {len(data['class_names'])} classes of images apart. "
        f"{metrics['parameters']:,} parameters.\n\n"
        + "\n".join(
            f"## {heading}\n\n{text}"
            for heading, text in sections.items()
            if text
        )
    )


def _quoted(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _data(config, data):
    splits = data["splits"]
    group = (
        ""
        if config["group"] == "none"
        else f" No {config['group']} is in two splits."
    )
    return (
        f"{len(splits['train']):,} images to train on, "
        f"{len(splits['validation']):,} to choose the epoch, "
        f"{len(splits['test']):,} to test, disjoint by content.{group} "
        f"Left out or doubtful: {len(data['skipped']):,}.\n\n"
        f"Classes: {', '.join(data['class_names'])}.\n"
    )


def _method(config, metrics):
    taught = ""
    if "expert" in metrics:
        expert = metrics["expert"]
        taught = (
            f", taught by {expert['name']} ({expert['parameters']:,} "
            f"parameters, {expert['test_accuracy']:.1%} of the test images)"
        )
    return (
        f"Knowledge distillation by keras_artkd, method `{config['method']}`"
        f"{taught}. {metrics['epochs']} epochs, of which epoch "
        f"{metrics['best_epoch']} was best on the validation images; seed "
        f"{config['seed']}.\n"
    )


def _measured(metrics):
    test = metrics["test"]
    count = test["num_examples"]
    low, high = wilson_interval(round(test["accuracy"] * count), count)
    rows = [
        ("accuracy", f"{test['accuracy']:.1%} (95 %: {low:.1%} to {high:.1%})"),
        ("mean over the classes", f"{test['macro_accuracy']:.1%}"),
    ]
    if "top5_accuracy" in test:
        rows.append(("top 5", f"{test['top5_accuracy']:.1%}"))
    rows.append(
        (
            "expected calibration error",
            f"{test['expected_calibration_error']:.3f}",
        )
    )
    return (
        f"On {count:,} test images:\n\n| measure | value |\n| --- | --- |\n"
        + "".join(f"| {name} | {value} |\n" for name, value in rows)
        + "\nThe interval is what chance in the choice of the test images "
        "makes of one training; another seed may differ by more.\n"
    )


def _file(export):
    return (
        f"{export['format']}, quantisation: {export['quantize']}. Classifies "
        f"{export['agreement']:.1%} of {export['held_out']} as the Keras "
        f"model does, {export['accuracy']:.1%} of them correctly.\n"
    )


def _use(data):
    first = ", ".join(data["class_names"][:3])
    return (
        f"To suggest one of its classes ({first} ...) for an image like those "
        "it was trained on. A suggestion for a person to check: no "
        "attribution, no expertise, no decision about people.\n"
    )


def _limits(config, data, metrics):
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
