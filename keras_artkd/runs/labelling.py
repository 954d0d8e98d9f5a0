"""Pseudo-labels of a run, made between its expert and its student."""

import dataclasses
import pathlib
import shlex
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_artkd.data.store import ImageStore
from keras_artkd.datasets import Collection
from keras_artkd.models.keras_file import load_network
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.commands import command
from keras_artkd.runs.domain import Domain
from keras_artkd.runs.label_free import with_unlabelled
from keras_artkd.runs.label_table import read_labels
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.runs.pseudo_labels import (
    PseudoLabels,
    ask_expert,
    label_images,
    learn_from,
)
from keras_artkd.types import Path


def check_table(plan: Plan, data: Collection) -> None:
    """Reads the table that `--pseudo-labels` gives; raises what that raises.

    Once before the expert is trained.
    """
    path = plan.config.data.pseudo_labels
    if path is None or data.unlabelled is None:
        return
    count = len(data.unlabelled)
    unread = PseudoLabels(
        keys=data.unlabelled.keys,
        logits=np.zeros((count, len(data.class_names)), "float32"),
        labels=np.zeros(count, "int32"),
        used=np.zeros(count, bool),
        corrected=np.zeros(count, bool),
    )
    read_labels(path, unread, data.class_names)


def teach(
    plan: Plan,
    data: Collection,
    expert_path: Path | None,
    folder: RunFolder | None = None,
) -> tuple[Collection, PseudoLabels | None]:
    """The data that the student learns from.

    For a method that learns labels it is the data itself. One that reads none,
    or none at first, has the unlabelled images besides. For others the expert
    labels the unlabelled images, unless a table says otherwise: that of
    the setting `pseudo_labels` or, in a run that has begun, the one in its
    folder. Images that are not used are left out.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        expert_path: path of the trained expert, or None.
        folder: `RunFolder`; None for what has no table.

    Returns:
        A `datasets.Collection`, and `PseudoLabels` or None.

    Raises:
        keras_artkd.runs.pseudo_labels.NothingToLearn: if no label is used.
        ValueError: if a table cannot be read, or the run began with another.
    """
    method, size = plan.method, plan.crop_size
    if method.pseudo_labels is None:
        if method.label_free is None or data.unlabelled is None:
            return data, None
        return with_unlabelled(data), None
    options = method.pseudo_label_options(plan.options)
    threshold = float(options.pop("threshold"))
    in_domain = float(options.pop("in_domain", 1))
    # Of every method that learns them.
    assert expert_path is not None
    expert = load_network(expert_path)
    labels = None
    if data.unlabelled is not None:
        labels = _labels(plan, data, expert, threshold, in_domain, folder)
    # Images that stay on disk have no unlabelled ones beside them.
    assert isinstance(data.train, ImageStore)
    store = learn_from(
        expert,
        data.train,
        data.unlabelled,
        labels,
        size,
        method.pseudo_labels,
        **options,
    )
    return dataclasses.replace(data, train=store), labels


def _labels(
    plan: Plan,
    data: Collection,
    expert: keras.Model,
    threshold: float,
    in_domain: float,
    folder: RunFolder | None,
) -> PseudoLabels:
    """The expert's labels, corrected where a table says so."""
    assert data.unlabelled is not None
    size, table = plan.crop_size, plan.config.data.pseudo_labels
    domain = None
    if in_domain < 1 and not plan.is_of_all_folds:
        assert isinstance(data.train, ImageStore)
        domain = Domain.of(expert, data.train, data.validation, size, in_domain)
    own = folder and folder.pseudo_labels
    begun = folder and own and (own.exists() or folder.checkpoint.exists())
    if not begun and table is None:
        labels = label_images(expert, data.unlabelled, size, threshold, domain)
        if in_domain < 1 and plan.is_of_all_folds:
            labels = _used_by_folds(plan, labels, data.class_names)
        return labels
    if begun and own and not own.exists():
        raise ValueError(
            f"The run's pseudo-labels must be as it began with. Received: no "
            f"{own}. Fix: restore it, or remove the folder to start over."
        )
    # The table alone decides which images are used.
    labels = ask_expert(expert, data.unlabelled, size, domain)
    labels = read_labels(
        own if begun and own else str(table), labels, data.class_names
    )
    if begun and folder and labels.fingerprint() != _written(folder):
        raise ValueError(
            f"The run's pseudo-labels must be as it began with. Received: "
            f"{own}, which was changed. Fix: to learn from it, move it "
            "elsewhere and give it as --pseudo-labels; or restore it, or "
            "remove the folder to start over."
        )
    return labels


def _used_by_folds(
    plan: Plan, labels: PseudoLabels, class_names: Sequence[str]
) -> PseudoLabels:
    """Labels of the images that at least half of the folds learned from.

    Where all images train, none is left to say how far away is too far.
    """
    votes = [
        read_labels(fold.folder.pseudo_labels, labels, class_names).used
        for fold in plan.folds
    ]
    return dataclasses.replace(
        labels, used=labels.used & (np.mean(votes, axis=0) >= 0.5)
    )


def _written(folder: RunFolder) -> str | None:
    """Fingerprint of the labels that a run began with."""
    return folder.data.get("pseudo_labels") if folder.has_data else None


def describe_labels(measured: dict[str, Any]) -> str:
    """One line of text for the result of `PseudoLabels.measure`."""
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
    if measured["strange"]:
        parts.append(
            f"{measured['strange']} left out, unlike the labelled ones"
        )
    if measured["corrected"]:
        parts.append(f"{measured['corrected']} labelled by hand")
    return "; ".join(parts)


def print_next(plan: Plan, path: pathlib.Path) -> None:
    """Prints what to type when the labels have been corrected."""
    words = ["artkd", "label", str(plan.folder)]
    learning = plan.config.replace(
        labels_only=False, pseudo_labels=str(path.resolve())
    )
    print(f"  to look at and correct: {path}")
    print(f"  or picture by picture: {shlex.join(words)}")
    print(f"  then: {command(resolve(learning))}")
