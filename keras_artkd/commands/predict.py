"""Classify image files with a model file.

  artkd predict student.tflite painting.jpg
  artkd predict student.tflite folder/ --json > classes.json
  curl -s URL | artkd predict student.tflite -

An image that cannot be read is named on standard error; the others are
classified, and the exit status is 2.
"""

import json
import os
import pathlib
import sys


def add_arguments(parser):
    """Declares the command line."""
    parser.add_argument(
        "model", help="a .tflite, .keras or .onnx file, or a SavedModel folder"
    )
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
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="class names, one a line, of a model that does not know its own",
    )


def run(arguments):
    """Prints the classes; 2 if any image could not be read."""
    # Imported here: help comes without NumPy.
    from keras_artkd.predict import Classifier

    sources = _sources(arguments)
    classifier = Classifier(arguments.model, read_labels(arguments.labels))
    predictions = classifier.classify(sources, arguments.top)
    failed = 0
    write = _write_json if arguments.json else _write_table
    for prediction in write(predictions):
        failed += 1
        print(
            f"error: {prediction.source}: {prediction.error}", file=sys.stderr
        )
    return 2 if failed else 0


def _sources(arguments):
    """What to classify, in order: paths, or a name with an image's bytes."""
    from keras_artkd.predict import find_images

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
    sources = []
    for path in paths:
        if path == "-":
            sources.append(("standard input", sys.stdin.buffer.read()))
        else:
            sources += find_images([path])
    return sources


def _lines(content):
    """The lines of a list of file names, whatever their encoding."""
    return [os.fsdecode(line) for line in content.splitlines() if line.strip()]


def read_labels(path):
    """Class names from a file, one a line; None without one."""
    if path is None:
        return None
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except ValueError as error:
        raise ValueError(
            f"Class names must be UTF-8 text. Received: {path} ({error})."
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _write_json(predictions):
    """Prints as results come; yields those that failed."""
    before = "["
    for prediction in predictions:
        entry = {"file": prediction.source}
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


def _write_table(predictions):
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
