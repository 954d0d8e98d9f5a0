"""The files of a run, read and checked."""

import dataclasses
import pathlib
import reprlib
import zipfile
import zlib

import numpy as np

from keras_artkd.evaluate import classification_metrics
from keras_artkd.files import read_json

STUDENT = "student"
# A number in [0, 1].
_SHARE = (int, float)
# File -> what must be in it, and of what type.
_REQUIRED = {
    "config.json": {
        "method": str,
        "student": str,
        "seed": int,
        "image_size": int,
    },
    "data.json": {
        "name": str,
        "class_names": list,
        "splits": dict,
        "skipped": list,
    },
    "metrics.json": {
        "parameters": int,
        "epochs": int,
        "best_epoch": int,
        "test": dict,
    },
    "history.json": {"loss": list},
}
_REQUIRED_OF_TEST = {
    "num_examples": int,
    "accuracy": _SHARE,
    "macro_accuracy": _SHARE,
    "expected_calibration_error": _SHARE,
    "per_class": list,
    "confusion_matrix": list,
}
_REQUIRED_OF_TEACHER = {
    "name": str,
    "parameters": int,
    "test_accuracy": _SHARE,
    "agreement_with_student": _SHARE,
}
# What older runs lack.
_OPTIONAL = {"networks": list, "exports": dict, "pseudo_labels": dict}
_REQUIRED_OF_PSEUDO_LABELS = {
    "images": int,
    "used": int,
    "corrected": int,
    "confidence": _SHARE,
    "known": int,
    "right": int,
}


class RunError(ValueError):
    """A run's files cannot be used; says which, why and how to mend it."""


@dataclasses.dataclass(frozen=True)
class Attention:
    """Where networks look, of some test images.

    Attributes:
        rows: the images' rows in the predictions, `(m,)`.
        endpoint: str, the feature maps they were made from.
        maps: dict of role -> mapping -> `(m, height, width)`.
    """

    rows: np.ndarray
    endpoint: str
    maps: dict[str, dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: its folder.
        config, data, metrics, history: its JSON files.
        versions: dict, empty if the run did not note them.
        command: what to type to run it again, "" if not noted.
        keys: names of the test images, None without `predictions.npz`.
        labels: their classes, `(n,)`, or None.
        logits: dict of role -> `(n, classes)`; empty if there are none.
        attention: `Attention` or None.
        gallery: dict of row -> path of its thumbnail.
    """

    path: pathlib.Path
    config: dict
    data: dict
    metrics: dict
    history: dict
    versions: dict
    command: str
    keys: np.ndarray | None
    labels: np.ndarray | None
    logits: dict[str, np.ndarray]
    attention: Attention | None
    gallery: dict[int, pathlib.Path]

    @property
    def class_names(self):
        """Names of the classes, in the order of the logits."""
        return [str(name) for name in self.data["class_names"]]

    @property
    def data_name(self):
        """What the data set is called: one's own by its folder or file."""
        name, source = self.data["name"], self.config.get("data_dir")
        if name in ("folder", "npz") and source:
            return pathlib.PurePath(source).name or name
        return name

    @property
    def teachers(self):
        """Roles of the networks that taught the student."""
        return _teachers(self.metrics)

    def correct(self, role=STUDENT):
        """Which test images a network has right, bool `(n,)`."""
        return self.logits[role].argmax(axis=1) == self.labels


def read_run(path):
    """Reads a finished run.

    Args:
        path: its folder.

    Returns:
        `Run`.

    Raises:
        RunError: if it is not the folder of a finished run or a file in it
            is damaged.
    """
    path = pathlib.Path(path)
    _check_finished(path)
    required = {name: _read_required(path / name) for name in _REQUIRED}
    config, data, metrics, history = required.values()
    _check_metrics(path / "metrics.json", metrics, data["class_names"])
    keys, labels, logits = _read_predictions(path, data, metrics)
    return Run(
        path=path,
        config=config,
        data=data,
        metrics=metrics,
        history=history,
        versions=_read_versions(path / "versions.json"),
        command=_read_command(path / "command.txt"),
        keys=keys,
        labels=labels,
        logits=logits,
        attention=_read_attention(path, labels),
        gallery={
            int(file.stem): file
            for file in sorted((path / "gallery").glob("*.jpg"))
            if file.stem.isdecimal()
        },
    )


def _teachers(metrics):
    return [
        role
        for role, value in metrics.items()
        if isinstance(value, dict) and "agreement_with_student" in value
    ]


def _check_finished(path):
    if not path.is_dir():
        raise RunError(
            f"A run is a folder. Received: {path}, which is none. Fix: give "
            "the folder that the recipe printed, <workdir>/<recipe>/<run>."
        )
    missing = [name for name in _REQUIRED if not (path / name).is_file()]
    if len(missing) == len(_REQUIRED):
        raise RunError(
            f"Not the folder of a run: {path} has no config.json. Fix: give "
            "the folder that the recipe printed, <workdir>/<recipe>/<run>."
        )
    if "metrics.json" in missing:
        raise RunError(
            f"The run is not finished: {path} has no metrics.json. Fix: run "
            "its recipe again with --resume."
        )
    if missing:
        raise RunError(
            f"The run lacks {', '.join(missing)}: {path}. Fix: restore it, "
            "or remove the folder and run its recipe again."
        )


def _read_required(path):
    content = _read_object(path)
    _check_types(path, "it", content, _REQUIRED[path.name])
    return content


def _check_types(path, subject, content, types):
    lacking = [key for key in types if key not in content]
    if lacking:
        raise damaged(path, f"{subject} lacks {', '.join(lacking)}")
    for key, type_ in types.items():
        value = content[key]
        # JSON's true is an int to Python.
        right = isinstance(value, type_) and not isinstance(value, bool)
        if not right or (type_ is _SHARE and not 0 <= value <= 1):
            raise damaged(path, f"its {key} is {reprlib.repr(value)}")


def _check_metrics(path, metrics, class_names):
    present = {k: t for k, t in _OPTIONAL.items() if k in metrics}
    _check_types(path, "it", metrics, present)
    for role in _teachers(metrics):
        _check_types(path, f"its {role}", metrics[role], _REQUIRED_OF_TEACHER)
    if "pseudo_labels" in metrics:
        _check_types(
            path,
            "its pseudo_labels",
            metrics["pseudo_labels"],
            _REQUIRED_OF_PSEUDO_LABELS,
        )
    test = metrics["test"]
    _check_types(path, "its test", test, _REQUIRED_OF_TEST)
    matrix = test["confusion_matrix"]
    lengths = {len(matrix), len(test["per_class"]), *map(len, matrix)}
    if lengths != {len(class_names)}:
        raise damaged(path, "its classes are not those of data.json")
    if sum(map(sum, matrix)) != test["num_examples"]:
        raise damaged(path, "its confusion matrix is of other images")


def _read_object(path):
    try:
        content = read_json(path)
    except (ValueError, RecursionError) as error:
        reason = f"it is not JSON: {error.__cause__ or error}"
        raise damaged(path, reason) from error
    if not isinstance(content, dict):
        raise damaged(path, "it is no JSON object")
    return content


def _read_versions(path):
    return _read_object(path) if path.is_file() else {}


def _read_command(path):
    if not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise damaged(path, "it is not UTF-8 text") from error


def _read_predictions(path, data, metrics):
    """Keys, labels and logits by role, checked against the metrics."""
    path = path / "predictions.npz"
    if not path.is_file():
        return None, None, {}
    arrays = _read_arrays(path, ("keys", "labels", STUDENT))
    keys, labels = arrays.pop("keys"), arrays.pop("labels")
    for logits in arrays.values():
        try:
            measured = classification_metrics(
                labels, logits, data["class_names"]
            )
        except ValueError as error:
            raise damaged(path, str(error)) from error
        if logits is arrays[STUDENT] and (
            measured["confusion_matrix"] != metrics["test"]["confusion_matrix"]
        ):
            raise damaged(path, "its answers are not those of metrics.json")
    return keys, labels, arrays


def _read_attention(path, labels):
    path = path / "attention.npz"
    if not path.is_file() or labels is None:
        return None
    arrays = _read_arrays(path, ("rows", "endpoint"))
    rows, endpoint = arrays.pop("rows"), str(arrays.pop("endpoint"))
    maps = {}
    for name, values in arrays.items():
        role, _, mapping = name.partition("/")
        if values.ndim != 3 or len(values) != len(rows):
            raise damaged(path, f"{name} has the shape {values.shape}")
        maps.setdefault(role, {})[mapping] = values
    if not maps or len(rows) == 0 or rows.max() >= len(labels):
        raise damaged(path, "its rows are not those of predictions.npz")
    return Attention(rows, endpoint, maps)


def _read_arrays(path, required):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (
        EOFError,
        KeyError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise damaged(path, str(error)) from error
    lacking = [name for name in required if name not in arrays]
    if lacking:
        raise damaged(path, f"it lacks {', '.join(lacking)}")
    return arrays


def damaged(path, reason):
    """Returns the error that a file of a run is damaged."""
    return RunError(
        f"A file of the run is damaged: {path} ({reason}). Fix: restore it, "
        "or remove the run's folder and run its recipe again."
    )
