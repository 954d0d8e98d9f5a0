"""The table of pseudo-labels, for a person to correct."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_artkd.files import write_text
from keras_artkd.runs.label_order import labelling_order
from keras_artkd.runs.label_rows import COLUMNS, LabelRows, table_text
from keras_artkd.runs.pseudo_labels import NothingToLearn, PseudoLabels
from keras_artkd.text_files import safe_cell
from keras_artkd.types import Path


def write_labels(
    path: Path, labels: PseudoLabels, class_names: Sequence[str]
) -> None:
    """Writes labels as a table, what to look at first, first; atomically.

    Its columns are `image`, `label` and `expert` (the name of the class, and
    what the expert said), `confidence`, `used` (yes or no), `checked` (yes
    where the label is a person's word), and `distance` from the labelled images
    where it was measured. What to correct are `label`, `used` and `checked`.
    The order is that of `keras_artkd.runs.label_order`.

    Args:
        path: the file, CSV in UTF-8.
        labels: `PseudoLabels`.
        class_names: list of str.
    """
    distance = labels.distance
    columns = [*COLUMNS, *([] if distance is None else ["distance"])]
    rows = []
    confidence = labels.confidence
    for row in labelling_order(labels.probabilities, labels.corrected):
        label = expert = labels.labels[row]
        # What is nobody's word may be another expert's, whose table it was.
        if labels.corrected[row]:
            expert = labels.logits[row].argmax()
        rows.append(
            [
                safe_cell(str(labels.keys[row])),
                safe_cell(class_names[label]),
                safe_cell(class_names[expert]),
                f"{confidence[row]:.4f}",
                "yes" if labels.used[row] else "no",
                "yes" if labels.corrected[row] else "",
                *([] if distance is None else [f"{distance[row]:.4f}"]),
            ]
        )
    write_text(path, table_text(columns, rows))


def read_labels(
    path: Path, labels: PseudoLabels, class_names: Sequence[str]
) -> PseudoLabels:
    """Reads a table that a person may have corrected.

    Its word is law: a class other than the expert's of the same line, and one
    that is `checked`, is the image's label, as if it had always had one; an
    image is used where the table says so, whatever the threshold, and not where
    the table lacks it. Rows may be in any order, and have more columns. Without
    a column `expert` the expert of `labels` is meant.

    Args:
        path: the file.
        labels: `PseudoLabels`, what the expert says of the same images.
        class_names: list of str.

    Returns:
        `PseudoLabels`.

    Raises:
        NothingToLearn: if no image is to be used.
        ValueError: for what cannot be read, naming the line.
        OSError: if there is no such file.
    """
    position = {str(key): row for row, key in enumerate(labels.keys)}
    classes = labels.logits.argmax(axis=1).astype("int32")
    used = np.zeros(len(labels), bool)
    corrected = np.zeros(len(labels), bool)
    rows = LabelRows(path)
    for entry in rows.entries(position, class_names):
        at = position[entry.image]
        # Another expert's table may have been corrected, too.
        corrected[at] = entry.is_by_person(int(classes[at]))
        if entry.used:
            classes[at], used[at] = entry.label, True
    if not used.any():
        raise NothingToLearn(
            "A table of pseudo-labels must have an image that is used. "
            f"Received: {path}, with {len(rows)} images and none used."
        )
    return dataclasses.replace(
        labels, labels=classes, used=used, corrected=corrected
    )
