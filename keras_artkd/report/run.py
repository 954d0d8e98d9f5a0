"""The files of a run, read and checked."""

import dataclasses
import json
import pathlib
import zipfile

import numpy as np

from keras_artkd.evaluate import classification_metrics
from keras_artkd.files import read_json

STUDENT = "student"
# File -> what must be in it.
_REQUIRED = {
    "config.json": ("method", "student", "seed", "image_size"),
    "data.json": ("name", "class_names", "splits", "skipped"),
    "metrics.json": ("parameters", "epochs", "best_epoch", "test"),
    "history.json": ("loss",),
}


_REQUIRED_OF_TEST = (
    "num_examples",
    "accuracy",
    "macro_accuracy",
    "expected_calibration_error",
    "per_class",
    "confusion_matrix",
)


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
        return [
            role
            for role, value in self.metrics.items()
            if isinstance(value, dict) and "agreement_with_student" in value
        ]

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
        ValueError: if it is not the folder of a finished run or a file in it
            is damaged.
    """
    path = pathlib.Path(path)
    _check_finished(path)
    required = {name: _read_required(path / name) for name in _REQUIRED}
    config, data, metrics, history = required.values()
    _check_test(path / "metrics.json", metrics["test"], data["class_names"])
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


def _check_finished(path):
    if not path.is_dir():
        raise ValueError(
            f"A run is a folder. Received: {path}, which is none. Fix: give "
            "the folder that the recipe printed, <workdir>/<recipe>/<run>."
        )
    missing = [name for name in _REQUIRED if not (path / name).is_file()]
    if len(missing) == len(_REQUIRED):
        raise ValueError(
            f"Not the folder of a run: {path} has no config.json. Fix: give "
            "the folder that the recipe printed, <workdir>/<recipe>/<run>."
        )
    if "metrics.json" in missing:
        raise ValueError(
            f"The run is not finished: {path} has no metrics.json. Fix: run "
            "its recipe again with --resume."
        )
    if missing:
        raise ValueError(
            f"The run lacks {', '.join(missing)}: {path}. Fix: restore it, "
            "or remove the folder and run its recipe again."
        )


def _read_required(path):
    content = _read_object(path)
    lacking = [key for key in _REQUIRED[path.name] if key not in content]
    if lacking:
        raise _damaged(path, f"it lacks {', '.join(lacking)}")
    return content


def _check_test(path, test, class_names):
    if not isinstance(test, dict):
        raise _damaged(path, "its test is no JSON object")
    lacking = [key for key in _REQUIRED_OF_TEST if key not in test]
    if lacking:
        raise _damaged(path, f"its test lacks {', '.join(lacking)}")
    if len(test["confusion_matrix"]) != len(class_names):
        raise _damaged(path, "its classes are not those of data.json")


def _read_object(path):
    try:
        content = read_json(path)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, f"it is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise _damaged(path, "it is no JSON object")
    return content


def _read_versions(path):
    return _read_object(path) if path.is_file() else {}


def _read_command(path):
    if not path.is_file():
        return ""
    return path.read_text(encoding="utf-8").strip()


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
            raise _damaged(path, str(error)) from error
        if logits is arrays[STUDENT] and (
            measured["confusion_matrix"] != metrics["test"]["confusion_matrix"]
        ):
            raise _damaged(path, "its answers are not those of metrics.json")
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
            raise _damaged(path, f"{name} has the shape {values.shape}")
        maps.setdefault(role, {})[mapping] = values
    if not maps or len(rows) == 0 or rows.max() >= len(labels):
        raise _damaged(path, "its rows are not those of predictions.npz")
    return Attention(rows, endpoint, maps)


def _read_arrays(path, required):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(path, str(error)) from error
    lacking = [name for name in required if name not in arrays]
    if lacking:
        raise _damaged(path, f"it lacks {', '.join(lacking)}")
    return arrays


def _damaged(path, reason):
    return ValueError(
        f"A file of the run is damaged: {path} ({reason}). Fix: restore it, "
        "or remove the run's folder and run its recipe again."
    )
