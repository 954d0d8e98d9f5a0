"""Arguments that name a model, of the commands that use one."""

import argparse
import pathlib
import sys
from typing import TYPE_CHECKING

from keras_artkd.text_files import read_text

if TYPE_CHECKING:
    from keras_artkd.deploy.predict import Classifier


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares `MODEL` and `--labels`."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model file (.tflite, .keras and so on), a SavedModel folder, "
        "or the folder of a finished run, whose student is taken",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="class names, one a line, of a model that does not know its own",
    )


def open_classifier(arguments: argparse.Namespace) -> "Classifier":
    """Opens the model; says which file it takes of a run's folder."""
    # Imported here: help comes without NumPy.
    from keras_artkd.deploy.predict import Classifier

    names = _read_labels(arguments.labels)
    classifier = Classifier(arguments.model, names)
    if classifier.path != pathlib.Path(arguments.model):
        print(f"note: the run's student is {classifier.path}", file=sys.stderr)
    return classifier


def _read_labels(path: str | None) -> list[str] | None:
    """Class names from a file, one a line; None without one."""
    if path is None:
        return None
    try:
        text = read_text(path)
    except ValueError as error:
        raise ValueError(
            f"Class names must be UTF-8 text. Received: {path} ({error})."
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]
