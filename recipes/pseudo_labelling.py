"""What a run of pseudo-labels does between its expert and its student."""

import dataclasses

import keras
import numpy as np

from keras_artkd.distillers.registry import get_method
from keras_artkd.files import read_json
from keras_artkd.pseudo_labels import (
    PseudoLabels,
    label_images,
    learn_from,
    read_labels,
)

FILE = "pseudo_labels.csv"


def check_unlabelled(config):
    """Refuses what could only fail when the expert is trained.

    Raises:
        ValueError: if there is nothing to label, or nobody to learn it.
    """
    kind = get_method(config.method).pseudo_labels
    if kind is None:
        if config.labels_only:
            raise ValueError(
                "There are pseudo-labels only by a method that learns them: "
                "pseudo_hard, pseudo_soft, equation or mixed. Received: "
                f"--labels-only, method={config.method!r}."
            )
        if config.pseudo_labels is not None:
            raise ValueError(
                "Pseudo-labels are for a method that learns them: pseudo_hard, "
                "pseudo_soft, equation or mixed, alone or joined "
                f"(pseudo_soft+kd). Received: --pseudo-labels, "
                f"method={config.method!r}."
            )
        if config.unlabelled_dir is not None:
            print(
                f"note: {config.method} does not learn from images without "
                "labels; pseudo_soft does, alone or joined (pseudo_soft+kd)"
            )
        return
    if config.unlabelled or config.unlabelled_dir is not None:
        return
    # The other two are of use on labelled images alone.
    alone = kind in ("equation", "mixed")
    if not alone or config.labels_only or config.pseudo_labels is not None:
        raise ValueError(
            f"Method {config.method!r} needs images without labels here. "
            "Received: none. Fix: --unlabelled-dir FOLDER, images to learn "
            "from besides, or --unlabelled 0.8, to try it on that share of "
            "the training images, as if they had no labels."
        )


def check_table(config, data):
    """Reads the table of `config.pseudo_labels`; raises what that raises.

    Once before the expert is trained.
    """
    if config.pseudo_labels is None or not config.learns_pseudo_labels:
        return
    count = len(data.unlabelled)
    unread = PseudoLabels(
        keys=data.unlabelled.keys,
        logits=np.zeros((count, len(data.class_names)), "float32"),
        labels=np.zeros(count, "int32"),
        used=np.zeros(count, bool),
        corrected=np.zeros(count, bool),
    )
    read_labels(config.pseudo_labels, unread, data.class_names)


def teach(config, data, expert_path, folder=None):
    """The data that the student learns from.

    Of a method that learns labels it is the data itself. Else the expert has
    labelled its unlabelled images, unless `config.pseudo_labels` or, of a run
    that has begun, the table in its folder says otherwise; what is not used
    is left out.

    Args:
        config: `Config`.
        data: a `datasets.Collection`.
        expert_path: path of the trained expert, or None.
        folder: path of the run's folder; None for what has no table.

    Returns:
        A `datasets.Collection`, and `PseudoLabels` or None.

    Raises:
        keras_artkd.pseudo_labels.NothingToLearn: if no label is used.
        ValueError: if a table cannot be read, or the run began with another.
    """
    method = get_method(config.method)
    if method.pseudo_labels is None:
        return data, None
    options = method.pseudo_label_options(config.method_options)
    threshold = options.pop("threshold")
    expert = keras.models.load_model(expert_path)
    labels = None
    if data.unlabelled is not None:
        labels = _labels(config, data, expert, threshold, folder)
    store = learn_from(
        expert,
        data.train,
        data.unlabelled,
        labels,
        config.image_size,
        method.pseudo_labels,
        **options,
    )
    return dataclasses.replace(data, train=store), labels


def _labels(config, data, expert, threshold, folder):
    """The expert's labels, corrected where a table says so."""
    own = folder and folder / FILE
    begun = own and (own.exists() or (folder / "checkpoint.npz").exists())
    table = own if begun else config.pseudo_labels
    if table is None:
        return label_images(
            expert, data.unlabelled, config.image_size, threshold
        )
    if begun and not own.exists():
        raise ValueError(
            f"The run's pseudo-labels must be as it began with. Received: no "
            f"{own}. Fix: restore it, or remove the folder to start over."
        )
    # Its images are used or not by the table alone.
    labels = label_images(expert, data.unlabelled, config.image_size)
    labels = read_labels(table, labels, data.class_names)
    if begun and labels.fingerprint() != _noted(folder):
        raise ValueError(
            f"The run's pseudo-labels must be as it began with. Received: "
            f"{own}, which was changed. Fix: to learn from it, move it "
            "elsewhere and give it as --pseudo-labels; or restore it, or "
            "remove the folder to start over."
        )
    return labels


def _noted(folder):
    """Fingerprint of the labels that a run began with."""
    if not (folder / "data.json").exists():
        return None
    return read_json(folder / "data.json").get("pseudo_labels")


def describe_labels(measured):
    """What `PseudoLabels.measure` gives, in one line."""
    parts = [
        f"{measured['used']} of {measured['images']} images used, mean "
        f"confidence {measured['confidence']:.1%}"
    ]
    if measured["known"]:
        share = measured["right"] / measured["known"]
        parts.append(
            f"{share:.1%} right by the labels of {measured['known']} that "
            "were hidden"
        )
    if measured["corrected"]:
        parts.append(f"{measured['corrected']} corrected")
    return "; ".join(parts)


def print_next(config, path):
    """Prints how to go on with labels that were to be looked at."""
    learning = dataclasses.replace(
        config, labels_only=False, pseudo_labels=str(path.resolve())
    )
    print(f"  to look at and correct: {path}\n  then: {learning.command()}")
