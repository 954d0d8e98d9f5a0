"""The table of pseudo-labels, for a person to correct."""

import csv
import dataclasses
import difflib
import io
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from keras_artkd.files import write_text
from keras_artkd.runs.pseudo_labels import NothingToLearn, PseudoLabels
from keras_artkd.text_files import (
    cell_value,
    read_text,
    safe_cell,
    table_reader,
)
from keras_artkd.types import Path

COLUMNS = ("image", "label", "expert", "confidence", "used")
# Of which a person's corrections are read.
_READ = ("image", "label", "used")
_ANSWERS = {"yes": True, "no": False}


def write_labels(
    path: Path, labels: PseudoLabels, class_names: Sequence[str]
) -> None:
    """Writes labels as a table, the least sure first; atomically.

    Its columns are `image`, `label` and `expert` (the name of the class, and
    what the expert said), `confidence` and `used` (yes or no), and `distance`
    from the labelled images where it was measured. What to correct are `label`
    and `used`.

    Args:
        path: the file, CSV in UTF-8.
        labels: `PseudoLabels`.
        class_names: list of str.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    distance = labels.distance
    writer.writerow(COLUMNS if distance is None else [*COLUMNS, "distance"])
    confidence = labels.confidence
    for row in np.argsort(confidence, kind="stable"):
        writer.writerow(
            [
                safe_cell(str(labels.keys[row])),
                safe_cell(class_names[labels.labels[row]]),
                safe_cell(class_names[labels.logits[row].argmax()]),
                f"{confidence[row]:.4f}",
                "yes" if labels.used[row] else "no",
                *([] if distance is None else [f"{distance[row]:.4f}"]),
            ]
        )
    write_text(path, text.getvalue())


def read_labels(
    path: Path, labels: PseudoLabels, class_names: Sequence[str]
) -> PseudoLabels:
    """Reads a table that a person may have corrected.

    Its word is law: a class other than the expert's of the same line is the
    image's label, as if it had always had one; an image is used where the
    table says so, whatever the threshold, and not where the table lacks it.
    Rows may be in any order, and have more columns. Without a column `expert`
    the expert of `labels` is meant.

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
    path = pathlib.Path(path)
    position = {str(key): row for row, key in enumerate(labels.keys)}
    numbers = {name: number for number, name in enumerate(class_names)}
    classes = labels.logits.argmax(axis=1).astype("int32")
    used = np.zeros(len(labels), bool)
    corrected = np.zeros(len(labels), bool)
    seen: dict[str, int] = {}
    for line, row in _rows(path):
        image = row["image"]
        if image not in position:
            raise _unreadable(
                path,
                line,
                f"{image!r} is none of the {len(labels)} unlabelled images",
                "leave the line out, or the image's name as it was",
            )
        if image in seen:
            raise _unreadable(
                path,
                line,
                f"{image!r} is in line {seen[image]} already",
                "one line for each image",
            )
        seen[image] = line
        answer = row["used"].strip().lower()
        if answer not in _ANSWERS:
            raise _unreadable(
                path, line, f"`used` is {row['used']!r}", "yes or no"
            )
        if not _ANSWERS[answer]:
            continue
        at = position[image]
        label = _class_number(row["label"], numbers, path, line)
        said = classes[at]
        # Another expert's table may have been corrected, too.
        if row.get("expert") is not None:
            said = _class_number(row["expert"], numbers, path, line)
        classes[at], used[at], corrected[at] = label, True, label != said
    if not used.any():
        raise NothingToLearn(
            "A table of pseudo-labels must have an image that is used. "
            f"Received: {path}, with {len(seen)} images and none used."
        )
    return dataclasses.replace(
        labels, labels=classes, used=used, corrected=corrected
    )


def _class_number(
    name: str, numbers: dict[str, int], path: pathlib.Path, line: int
) -> int:
    """The number of a class that a line of a table names."""
    for known in (name, name.strip()):
        if known in numbers:
            return numbers[known]
    if not name.strip():
        raise _unreadable(
            path, line, "there is no class", "a class, or no in `used`"
        )
    near = difflib.get_close_matches(name.strip(), numbers, n=1)
    raise _unreadable(
        path,
        line,
        f"there is no class {name.strip()!r}",
        f"perhaps {near[0]}" if near else f"one of {', '.join(numbers)}",
    )


def _rows(path: pathlib.Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the number of each line and its row, a dict of str."""
    try:
        text = read_text(path)
    except UnicodeError as error:
        raise ValueError(
            "A table of pseudo-labels must be UTF-8 text. Received: "
            f"{path} ({error}). Fix: save it as CSV, UTF-8."
        ) from error
    reader = table_reader(text)
    try:
        header: list[str] = next(reader, [])
        missing = [column for column in _READ if column not in header]
        if missing:
            raise _unreadable(
                path,
                1,
                f"no column {' and no column '.join(missing)}",
                f"a first line {','.join(COLUMNS)}",
            )
        for cells in reader:
            if not cells:
                continue
            row = dict(zip(header, map(cell_value, cells), strict=False))
            if not {*_READ} <= {*row}:
                raise _unreadable(
                    path,
                    reader.line_num,
                    "it has fewer columns than the first line",
                    "all of them",
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise _unreadable(
            path, reader.line_num, str(error), "save it as CSV again"
        ) from error


def _unreadable(
    path: pathlib.Path, line: int, received: str, fix: str
) -> ValueError:
    return ValueError(
        "A table of pseudo-labels must have an image, its class and whether "
        f"to use it in each line. Received: {path}, line {line}: {received}. "
        f"Fix: {fix}."
    )
