"""Measure a model file on a folder of labelled images.

  artkd evaluate student.tflite --data-dir FOLDER
  artkd evaluate RUN/student.tflite --data-dir FOLDER --split test

FOLDER holds one sub-folder a class, named as the model names it; classes of
the model may be missing. Images that cannot be read are named on standard
error and left out; the exit status is 2 then. A split is known by the names
of its images.
"""

import json
import pathlib
import sys


def add_arguments(parser):
    """Declares the command line."""
    parser.add_argument(
        "model", help="a .tflite, .keras or .onnx file, or a SavedModel folder"
    )
    parser.add_argument(
        "--data-dir",
        required=True,
        metavar="FOLDER",
        help="one sub-folder a class",
    )
    parser.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        help="only that split of the run in whose folder the model lies",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="class names, one a line, of a model that does not know its own",
    )
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON"
    )


def run(arguments):
    """Prints the metrics; 2 if any image could not be read."""
    # Imported here: help comes without NumPy.
    from keras_artkd.commands.predict import read_labels
    from keras_artkd.predict import Classifier

    classifier = Classifier(arguments.model, read_labels(arguments.labels))
    records = _labelled(arguments.data_dir, classifier.info.class_names)
    records = _of_split(records, arguments)
    logits, labels, unreadable = _classify(classifier, records)
    for key, reason in unreadable:
        print(f"error: {key}: {reason}", file=sys.stderr)
    metrics = _measure(labels, logits, classifier.info.class_names)
    if arguments.json:
        unread = [{"file": key, "error": reason} for key, reason in unreadable]
        metrics = {**metrics, "unreadable": unread}
        print(json.dumps(metrics, indent=1, ensure_ascii=False))
    else:
        _print_table(metrics)
    return 2 if unreadable else 0


def _labelled(data_dir, class_names):
    """Dict key -> (path, class number)."""
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


def _of_split(records, arguments):
    """The records asked for; says if the model was trained on some."""
    splits = _splits_of_run(pathlib.Path(arguments.model))
    if arguments.split is None:
        served = ("train", "validation", "unlabelled")
        seen = {key for name in served for key in splits.get(name, ())}
        known = len(seen & set(records))
        if known:
            print(
                f"note: {known} of these {len(records)} images have the names "
                "of images that served its training; --split test takes "
                "those that did not",
                file=sys.stderr,
            )
        return records
    if not splits:
        raise ValueError(
            "--split needs a model in the folder of its run, beside the run's "
            f"data.json. Received: {arguments.model}."
        )
    wanted = splits[arguments.split]
    missing = [key for key in wanted if key not in records]
    if missing:
        raise ValueError(
            f"The folder must hold the run's {arguments.split} split. "
            f"Received: --data-dir {arguments.data_dir}, without "
            f"{len(missing)} of its {len(wanted)} images, such as "
            f"{missing[0]}. Fix: the folder that the run was made from."
        )
    return {key: records[key] for key in wanted}


def _splits_of_run(model):
    """Split -> keys, if the model lies in a run's folder; else empty."""
    from keras_artkd.files import read_json

    beside = model.resolve().parent / "data.json"
    try:
        splits = read_json(beside)["splits"]
        return {name: [str(key) for key in splits[name]] for name in splits}
    except (OSError, ValueError, TypeError, KeyError):
        # Some other file of that name.
        return {}


def _classify(classifier, records):
    """Logits and labels of the images that can be read, and the others."""
    import numpy as np

    from keras_artkd.datasets.records import map_threads
    from keras_artkd.images import UnreadableImage

    def read(item):
        key, (path, label) = item
        try:
            return key, classifier.read(path), label
        except UnreadableImage as error:
            return key, str(error), None

    logits, labels, unreadable, images = [], [], [], []

    def flush():
        if images:
            logits.append(classifier.logits(np.stack(images)))
            images.clear()

    for key, result, label in map_threads(read, records.items()):
        if label is None:
            unreadable.append((key, result))
            continue
        images.append(result)
        labels.append(label)
        if len(images) == 64:
            flush()
    flush()
    if not logits:
        raise ValueError(
            f"None of the {len(records)} images can be read, the first "
            f"because: {unreadable[0][1]}."
        )
    return np.concatenate(logits), np.array(labels), unreadable


def _measure(labels, logits, class_names):
    from keras_artkd.evaluate import classification_metrics
    from keras_artkd.statistics import wilson_interval

    metrics = classification_metrics(labels, logits, class_names)
    correct = int((logits.argmax(axis=1) == labels).sum())
    interval = wilson_interval(correct, len(labels))
    return {**metrics, "accuracy_interval": list(interval)}


def _print_table(metrics):
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
