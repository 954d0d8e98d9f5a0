"""Classify image files with a model.

  artkd predict student.tflite painting.jpg
  artkd predict saved_models/folder/RUN folder/ --json > classes.json
  curl -s URL | artkd predict student.tflite -

Of a run's folder it takes student.tflite, or student.keras where there is no
other. An image that cannot be read is named on standard error; the others are
classified, and the exit status is 2.
"""

import argparse
import json
import os
import pathlib
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from keras_artkd.cli.model_arguments import (
    add_model_arguments,
    open_classifier,
)

if TYPE_CHECKING:
    from keras_artkd.deploy.predict import Prediction, Source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    add_model_arguments(parser)
    parser.add_argument(
        "images",
        nargs="*",
        metavar="IMAGE",
        help="image files, folders of them, or - for one on standard input",
    )
    parser.add_argument(
        "--files-from",
        metavar="FILE",
        help="read the names of more images there, one a line (-: standard "
        "input)",
    )
    parser.add_argument(
        "--top",
        type=int,
        default=3,
        metavar="K",
        help="how many classes to name of each image (3)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a JSON list of {file, predictions: [{class, confidence}]} "
        "or {file, error}",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the classes; 2 if any image could not be read."""
    sources = _sources(arguments)
    classifier = open_classifier(arguments)
    predictions = classifier.classify(sources, arguments.top)
    failed = 0
    write = _write_json if arguments.json else _write_table
    for prediction in write(predictions):
        failed += 1
        print(
            f"error: {prediction.source}: {prediction.error}", file=sys.stderr
        )
    return 2 if failed else 0


def _sources(arguments: argparse.Namespace) -> "list[Source]":
    """The images, in order: paths, or a name with an image's bytes."""
    # Imported here: help comes without NumPy.
    from keras_artkd.deploy.predict import find_images

    from_standard_input = (*arguments.images, arguments.files_from).count("-")
    if from_standard_input > 1:
        raise ValueError(
            "Standard input can be read once. Received: - "
            f"{from_standard_input} times."
        )
    paths = list(arguments.images)
    if arguments.files_from == "-":
        paths += _lines(sys.stdin.buffer.read())
    elif arguments.files_from:
        paths += _lines(pathlib.Path(arguments.files_from).read_bytes())
    if not paths:
        raise ValueError("There is no image to classify. Fix: name one.")
    if "" in paths:
        raise ValueError(
            "An image or a folder must have a name. Received: an empty one, as "
            "of a shell's variable that is not set. Fix: check it."
        )
    sources: list[Source] = []
    for path in paths:
        if path == "-":
            sources.append(("standard input", sys.stdin.buffer.read()))
        else:
            sources += find_images([path])
    return sources


def _lines(content: bytes) -> list[str]:
    """The lines of a list of file names in any encoding."""
    return [os.fsdecode(line) for line in content.splitlines() if line.strip()]


def _write_json(
    predictions: "Iterable[Prediction]",
) -> "Iterator[Prediction]":
    """Prints each result when it comes; yields those that failed."""
    before = "["
    for prediction in predictions:
        entry: dict[str, object] = {"file": prediction.source}
        if prediction.error is None:
            entry["predictions"] = [
                {"class": name, "confidence": confidence}
                for name, confidence in prediction.classes
            ]
        else:
            entry["error"] = prediction.error
        print(f"{before}\n {json.dumps(entry, ensure_ascii=False)}", end="")
        before = ","
        if prediction.error is not None:
            yield prediction
    print("\n]")


def _write_table(
    predictions: "Iterable[Prediction]",
) -> "Iterator[Prediction]":
    """Prints a line an image; yields those that failed."""
    for prediction in predictions:
        if prediction.error is not None:
            yield prediction
            continue
        classes = "   ".join(
            f"{confidence:6.1%} {name}"
            for name, confidence in prediction.classes
        )
        print(f"{prediction.source}\n  {classes}")
