"""Measure a model on labelled images.

  artkd evaluate RUN
  artkd evaluate student.tflite --data-dir FOLDER
  artkd evaluate RUN --data-dir FOLDER --split test

Without --data-dir it measures on the run's own data, as long as its images are
the same: on the test split, or another one with --split. The model must lie in
the folder of a finished run, or be that folder, of which student.tflite is
taken, or student.keras where there is no other.

FOLDER holds one sub-folder a class, named as the model names it; classes of
the model may be missing. Images that cannot be read are named on standard
error and left out; the exit status is 2 then. A split is known by the names
of its images.
"""

import argparse
import dataclasses
import json
import pathlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from keras_artkd.cli.model_arguments import (
    add_model_arguments,
    open_classifier,
)
from keras_artkd.output import escaped, import_tensorflow

if TYPE_CHECKING:
    from keras_artkd.deploy.predict import Classifier
    from keras_artkd.types import Array, Path

    # Path and class number of each image, by its key.
    Records: TypeAlias = Mapping[str, tuple[Path | bytes, int]]

# Images read before they are classified together; of a split more of them.
_BATCH = 64
_AT_ONCE = 2048


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    add_model_arguments(parser)
    parser.add_argument(
        "--data-dir",
        metavar="FOLDER",
        help="one sub-folder a class (the run's own data)",
    )
    parser.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        help="only that split of the run in whose folder the model lies "
        "(without --data-dir: test)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the metrics; 2 if any image could not be read."""
    classifier = open_classifier(arguments)
    unreadable: list[tuple[str, str]] = []
    if arguments.data_dir is None:
        shares, labels = _classify_own(classifier, arguments.split or "test")
    else:
        records = _labelled(arguments.data_dir, classifier.info.class_names)
        records = _of_split(records, classifier.path, arguments)
        shares, labels, unreadable = _classify(classifier, records)
    for key, reason in unreadable:
        print(f"error: {key}: {reason}", file=sys.stderr)
    metrics = _measure(labels, shares, classifier.info.class_names)
    if arguments.json:
        unread = [{"file": key, "error": reason} for key, reason in unreadable]
        metrics = {**metrics, "unreadable": unread}
        print(json.dumps(metrics, indent=1, ensure_ascii=False))
    else:
        _print_table(metrics)
    return 2 if unreadable else 0


def _classify_own(
    classifier: "Classifier", split: str
) -> tuple["Array", "Array"]:
    """Logits and labels of a split of the run that a model belongs to."""
    from keras_artkd.deploy.finished_run import (
        load_data,
        model_info,
        read_facts,
    )
    from keras_artkd.run_folder import RunFolder

    folder = RunFolder(classifier.path.resolve().parent)
    if not folder.is_finished:
        raise ValueError(
            "A model needs --data-dir, unless it lies in the folder of a "
            f"finished run. Received: {classifier.path}. Fix: --data-dir "
            "FOLDER, one sub-folder a class."
        )
    config, data, metrics = read_facts(folder)
    own = model_info(config, data, metrics)
    # How the file was made does not change what it is given.
    made = ("card", "quantize", "calibration_images")
    same = {name: getattr(own, name) for name in made}
    if dataclasses.replace(classifier.info, **same) != own:
        raise ValueError(
            "A model must have the classes and the preprocessing of the run "
            f"in whose folder it lies. Received: {classifier.path}. Fix: "
            "--data-dir FOLDER."
        )
    if metrics.get("folds") and split != "train":
        runs = ", ".join(str(fold.get("run")) for fold in metrics["folds"])
        raise ValueError(
            "A model that was trained on all images has none to be tested on. "
            f"Received: {classifier.path}, --split {split}. Fix: --data-dir "
            f"FOLDER of other images. What its folds tested: {runs}."
        )
    # From a file, as everything of a run is.
    source = escaped(str(data["load"].get("data_dir") or data["name"]))
    known = "" if split == "test" else ", which served its training"
    print(
        f"note: measured on the run's own {split} split of {source}{known}",
        file=sys.stderr,
    )
    import_tensorflow()
    import numpy as np

    from keras_artkd.data.pipeline import evaluation_arrays

    store = getattr(load_data(data, None), split)
    info = classifier.info
    answers = []
    for first in range(0, len(store), _AT_ONCE):
        part = store.take(range(first, min(first + _AT_ONCE, len(store))))
        images, _ = evaluation_arrays(part, info.crop_size, info.image_size)
        answers.append(classifier.probabilities(images))
    return np.concatenate(answers), store.labels


def _labelled(data_dir: str, class_names: list[str]) -> "Records":
    """The images of a folder, as classes of the model."""
    from keras_artkd.datasets.folder import find_records

    folders, records, _ = find_records(data_dir)
    unknown = [name for name in folders if name not in class_names]
    if unknown:
        raise ValueError(
            "The folders must be classes of the model. Received: "
            f"{', '.join(unknown[:5])}{' ...' * (len(unknown) > 5)} in "
            f"{data_dir}; the model knows {', '.join(class_names)}. Fix: "
            "rename or move away the others."
        )
    return {
        record.key: (record.path, class_names.index(folders[record.label]))
        for record in records
    }


def _of_split(
    records: "Records", model: pathlib.Path, arguments: argparse.Namespace
) -> "Records":
    """The records of the split; says if the model was trained on some."""
    splits = _splits_of_run(model)
    if arguments.split is None:
        served = ("train", "validation", "unlabelled")
        seen = {key for name in served for key in splits.get(name, ())}
        known = len(seen & set(records))
        take = "; --split test takes those that did not"
        if known:
            print(
                f"note: {known} of these {len(records)} images have the names "
                "of images that served its training"
                f"{take if splits['test'] else ''}",
                file=sys.stderr,
            )
        return records
    if not splits:
        raise ValueError(
            "--split needs a model in the folder of its run, beside the run's "
            f"data.json. Received: {model}."
        )
    chosen = splits[arguments.split]
    if not chosen:
        raise ValueError(
            f"The run must have a {arguments.split} split. Received: {model}, "
            "which was trained on all images. Fix: --data-dir FOLDER of other "
            "images, without --split."
        )
    missing = [key for key in chosen if key not in records]
    if missing:
        raise ValueError(
            f"The folder must hold the run's {arguments.split} split. "
            f"Received: --data-dir {arguments.data_dir}, without "
            f"{len(missing)} of its {len(chosen)} images, such as "
            f"{missing[0]}. Fix: the folder that the run was made from."
        )
    return {key: records[key] for key in chosen}


def _splits_of_run(model: pathlib.Path) -> dict[str, list[str]]:
    """Split -> keys, if the model lies in a run's folder; otherwise empty."""
    from keras_artkd.run_folder import RunFolder

    try:
        splits = RunFolder(model.resolve().parent).data["splits"]
        return {name: [str(key) for key in splits[name]] for name in splits}
    except (OSError, ValueError, TypeError, KeyError):
        # Some other file of that name.
        return {}


def _classify(
    classifier: "Classifier", records: "Records"
) -> tuple["Array", "Array", list[tuple[str, str]]]:
    """Logits and labels of the images that can be read, and the others."""
    import numpy as np

    from keras_artkd.data.images import UnreadableImage
    from keras_artkd.data.threads import map_threads

    def read(key: str) -> "Array | str":
        try:
            return classifier.read(records[key][0])
        except UnreadableImage as error:
            return str(error)

    answers, labels = [], []
    unreadable: list[tuple[str, str]] = []
    images: list[Array] = []

    def flush() -> None:
        if images:
            answers.append(classifier.probabilities(np.stack(images)))
            images.clear()

    for key, pixels in zip(records, map_threads(read, records), strict=True):
        if isinstance(pixels, str):
            unreadable.append((key, pixels))
            continue
        images.append(pixels)
        labels.append(records[key][1])
        if len(images) == _BATCH:
            flush()
    flush()
    if not answers:
        raise ValueError(
            f"None of the {len(records)} images can be read, the first "
            f"because: {unreadable[0][1]}."
        )
    return np.concatenate(answers), np.array(labels), unreadable


def _measure(
    labels: "Array", shares: "Array", class_names: list[str]
) -> dict[str, Any]:
    import numpy as np

    from keras_artkd.measure.intervals import wilson_interval
    from keras_artkd.measure.metrics import classification_metrics

    # Logits up to a constant of each image, which no metric sees.
    logits = np.log(np.maximum(shares, np.finfo("float32").tiny))
    metrics = classification_metrics(labels, logits, class_names)
    correct = int((shares.argmax(axis=1) == labels).sum())
    interval = wilson_interval(correct, len(labels))
    return {**metrics, "accuracy_interval": list(interval)}


def _print_table(metrics: Mapping[str, Any]) -> None:
    low, high = metrics["accuracy_interval"]
    print(f"{'images':26}{metrics['num_examples']:8,}")
    print(
        f"{'accuracy':26}{metrics['accuracy']:8.2%}   "
        f"95 %: {low:.2%} to {high:.2%}"
    )
    print(f"{'mean over the classes':26}{metrics['macro_accuracy']:8.2%}")
    if "top5_accuracy" in metrics:
        print(f"{'top 5':26}{metrics['top5_accuracy']:8.2%}")
    print(
        f"{'calibration error':26}{metrics['expected_calibration_error']:8.3f}"
    )
    occurring = [row for row in metrics["per_class"] if row["count"]]
    print("\nright   of   class")
    for row in sorted(occurring, key=lambda row: row["accuracy"]):
        print(f"{row['accuracy']:6.1%} {row['count']:4}  {row['name']}")
