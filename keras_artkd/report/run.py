"""Reading and validation of a run's files."""

import dataclasses
import pathlib
import reprlib
from typing import Any

import numpy as np

from keras_artkd.files import read_arrays
from keras_artkd.measure.confusions import confusion_cells
from keras_artkd.measure.metrics import classification_metrics
from keras_artkd.run_folder import (
    AGGREGATED,
    COMMAND,
    DATA,
    HISTORY,
    METRICS,
    SETTINGS,
    VERSIONS,
    RunFolder,
)
from keras_artkd.types import Array, Path

# The types that a value may have.
_Types = type | tuple[type, ...]

_FIX = "restore it, or remove the run's folder and train the run again"
STUDENT = "student"
# A number in [0, 1].
_SHARE = (int, float)
# File -> its required keys and their types.
_REQUIRED: dict[str, dict[str, _Types]] = {
    SETTINGS: {
        "method": str,
        "student": str,
        "seed": int,
        "image_size": int,
    },
    DATA: {
        "name": str,
        "class_names": list,
        "splits": dict,
        "skipped": list,
    },
    METRICS: {
        "parameters": int,
        "epochs": int,
        "best_epoch": int,
        "test": dict,
    },
    HISTORY: {"loss": list},
}
_REQUIRED_OF_TEST: dict[str, _Types] = {
    "num_examples": int,
    "accuracy": _SHARE,
    "macro_accuracy": _SHARE,
    "expected_calibration_error": _SHARE,
    "per_class": list,
}
_REQUIRED_OF_TEACHER: dict[str, _Types] = {
    "name": str,
    "parameters": int,
    "test_accuracy": _SHARE,
    "agreement_with_student": _SHARE,
}
# Keys that older runs lack.
_OPTIONAL: dict[str, _Types] = {
    "networks": list,
    "exports": dict,
    "failed_exports": dict,
    "pseudo_labels": dict,
    "verdict": dict,
}
_REQUIRED_OF_PSEUDO_LABELS: dict[str, _Types] = {
    "images": int,
    "used": int,
    "corrected": int,
    "confidence": _SHARE,
    "known": int,
    "right": int,
}
# What older runs lack, and those whose images have no distance.
_OPTIONAL_OF_PSEUDO_LABELS: dict[str, _Types] = {
    "strange": int,
    "left_out": list,
}


class RunError(ValueError):
    """A run whose files cannot be used: which file, why, and the remedy."""


@dataclasses.dataclass(frozen=True)
class Attention:
    """Attention maps of networks on some test images.

    Attributes:
        rows: the images' rows in the predictions, `(m,)`.
        endpoint: name of the feature maps that they were made from.
        maps: role -> mapping -> `(m, height, width)`.
    """

    rows: Array
    endpoint: str
    maps: dict[str, dict[str, Array]]


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: its folder.
        config, data, metrics, history: its JSON files.
        versions: Python, packages, machine; empty if not written.
        command: the command line of the run; empty if not written.
        keys: names of the test images, `(n,)`; n is 0 without
            `predictions.npz`.
        labels: their classes, `(n,)`.
        logits: role -> `(n, classes)`; empty without `predictions.npz`.
        attention: None if not written.
        gallery: row -> path of its thumbnail.
    """

    path: pathlib.Path
    config: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    history: dict[str, Any]
    versions: dict[str, Any]
    command: str
    keys: Array
    labels: Array
    logits: dict[str, Array]
    attention: Attention | None
    gallery: dict[int, pathlib.Path]

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in the order of the logits."""
        return [str(name) for name in self.data["class_names"]]

    @property
    def data_name(self) -> str:
        """The data set's name; of an own one the name of its folder or file."""
        name: str = self.data["name"]
        source = self.config.get("data_dir")
        if name in ("folder", "npz") and source:
            return pathlib.PurePath(source).name or name
        return name

    @property
    def teachers(self) -> list[str]:
        """Roles of the networks that taught the student."""
        return _teachers(self.metrics)

    def correct(self, role: str = STUDENT) -> Array:
        """Whether a network is right about each test image, bool `(n,)`."""
        right: Array = self.logits[role].argmax(axis=1) == self.labels
        return right


def read_run(path: Path) -> Run:
    """Reads a finished run.

    Args:
        path: its folder.

    Raises:
        RunError: if it is not the folder of a finished run or a file in it
            is damaged.
    """
    folder = RunFolder(path)
    _check_finished(folder)
    config, data, metrics, history = (
        _read_required(folder, name) for name in _REQUIRED
    )
    _check_metrics(folder, metrics, data["class_names"])
    keys, labels, logits = _read_predictions(folder, data, metrics)
    return Run(
        path=folder.path,
        config=config,
        data=data,
        metrics=metrics,
        history=history,
        versions=_read_versions(folder),
        command=_read_command(folder),
        keys=keys,
        labels=labels,
        logits=logits,
        attention=_read_attention(folder, len(labels)),
        gallery=folder.thumbnails,
    )


def _teachers(metrics: dict[str, Any]) -> list[str]:
    return [
        role
        for role, value in metrics.items()
        if isinstance(value, dict) and "agreement_with_student" in value
    ]


def _check_finished(folder: RunFolder) -> None:
    if not folder.path.is_dir():
        raise RunError(
            f"A run is a folder. Received: {folder}, which is not a folder. "
            "Fix: give the folder that the training printed, "
            "<workdir>/<recipe>/<run>."
        )
    missing = [n for n in _REQUIRED if not (folder.path / n).is_file()]
    if len(missing) == len(_REQUIRED):
        raise RunError(
            f"Not the folder of a run: {folder} has no {SETTINGS}. Fix: give "
            "the folder that the training printed, <workdir>/<recipe>/<run>."
        )
    if METRICS in missing:
        raise RunError(
            f"The run is not finished: {folder} has no {METRICS}. Fix: type "
            "its command again with --resume."
        )
    if missing:
        raise RunError(
            f"The run lacks {', '.join(missing)}: {folder}. Fix: restore it, "
            "or remove the folder and train the run again."
        )


def _read_required(folder: RunFolder, name: str) -> dict[str, Any]:
    content = _read_object(folder, name)
    _check_types(folder.path / name, "it", content, _REQUIRED[name])
    return content


def _check_types(
    path: pathlib.Path,
    subject: str,
    content: dict[str, Any],
    types: dict[str, _Types],
) -> None:
    lacking = [key for key in types if key not in content]
    if lacking:
        raise damaged(path, f"{subject} lacks {', '.join(lacking)}")
    for key, type_ in types.items():
        value = content[key]
        # JSON's true is an int to Python.
        right = isinstance(value, type_) and not isinstance(value, bool)
        if not right or (type_ is _SHARE and not 0 <= value <= 1):
            raise damaged(path, f"its {key} is {reprlib.repr(value)}")


def _check_metrics(
    folder: RunFolder, metrics: dict[str, Any], class_names: list[Any]
) -> None:
    path = folder.path / METRICS
    present = {k: t for k, t in _OPTIONAL.items() if k in metrics}
    _check_types(path, "it", metrics, present)
    for role in _teachers(metrics):
        _check_types(path, f"its {role}", metrics[role], _REQUIRED_OF_TEACHER)
    if "pseudo_labels" in metrics:
        known = metrics["pseudo_labels"]
        types = _REQUIRED_OF_PSEUDO_LABELS | {
            k: t for k, t in _OPTIONAL_OF_PSEUDO_LABELS.items() if k in known
        }
        _check_types(path, "its pseudo_labels", known, types)
    test = metrics["test"]
    _check_types(path, "its test", test, _REQUIRED_OF_TEST)
    if len(test["per_class"]) != len(class_names):
        raise damaged(path, f"its classes are not those of {DATA}")
    try:
        cells = confusion_cells(test)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, "its test has no confusions") from error
    if cells[:, :2].size and not (
        0 <= cells[:, :2].min() <= cells[:, :2].max() < len(class_names)
    ):
        raise damaged(path, "its confusions are of other classes")
    if cells[:, 2].sum() != test["num_examples"]:
        raise damaged(path, "its confusions are of other images")


def _read_object(folder: RunFolder, name: str) -> dict[str, Any]:
    path = folder.path / name
    try:
        content = folder.read(name)
    except (ValueError, RecursionError) as error:
        reason = f"it is not JSON: {error.__cause__ or error}"
        raise damaged(path, reason) from error
    if not isinstance(content, dict):
        raise damaged(path, "it is not a JSON object")
    return content


def _read_versions(folder: RunFolder) -> dict[str, Any]:
    if not (folder.path / VERSIONS).is_file():
        return {}
    return _read_object(folder, VERSIONS)


def _read_command(folder: RunFolder) -> str:
    try:
        return folder.command
    except UnicodeDecodeError as error:
        path = folder.path / COMMAND
        raise damaged(path, "it is not UTF-8 text") from error


def _read_predictions(
    folder: RunFolder, data: dict[str, Any], metrics: dict[str, Any]
) -> tuple[Array, Array, dict[str, Array]]:
    """Keys, labels and logits by role, checked against the metrics."""
    path = folder.predictions
    if not path.is_file():
        return np.empty(0, "str"), np.empty(0, "int32"), {}
    arrays = _read_arrays(path, ("keys", "labels", STUDENT))
    keys, labels = arrays.pop("keys"), arrays.pop("labels")
    # No network of its own: the student's answers, averaged over rotations.
    arrays.pop(AGGREGATED, None)
    for logits in arrays.values():
        try:
            measured = classification_metrics(
                labels, logits, data["class_names"]
            )
        except ValueError as error:
            raise damaged(path, str(error)) from error
        if logits is arrays[STUDENT] and (
            measured["confusions"] != confusion_cells(metrics["test"]).tolist()
        ):
            raise damaged(path, f"its answers are not those of {METRICS}")
    return keys, labels, arrays


def _read_attention(folder: RunFolder, images: int) -> Attention | None:
    path = folder.attention
    if not path.is_file() or not images:
        return None
    arrays = _read_arrays(path, ("rows", "endpoint"))
    rows, endpoint = arrays.pop("rows"), str(arrays.pop("endpoint"))
    maps: dict[str, dict[str, Array]] = {}
    for name, values in arrays.items():
        role, _, mapping = name.partition("/")
        if values.ndim != 3 or len(values) != len(rows):
            raise damaged(path, f"{name} has the shape {values.shape}")
        maps.setdefault(role, {})[mapping] = values
    if not maps or len(rows) == 0 or rows.max() >= images:
        name = folder.predictions.name
        raise damaged(path, f"its rows are not those of {name}")
    return Attention(rows, endpoint, maps)


def _read_arrays(
    path: pathlib.Path, required: tuple[str, ...]
) -> dict[str, Array]:
    try:
        arrays = read_arrays(path, _FIX)
    except ValueError as error:
        raise RunError(str(error)) from error
    lacking = [name for name in required if name not in arrays]
    if lacking:
        raise damaged(path, f"it lacks {', '.join(lacking)}")
    return arrays


def damaged(path: pathlib.Path, reason: str) -> RunError:
    """Returns the error for a damaged file of a run."""
    return RunError(
        f"A file of the run is damaged: {path} ({reason}). Fix: {_FIX}."
    )
