"""Formats of model files: one module and one row of the table each.

A format's library is imported when a file is opened or written, not before.
"""

import pathlib

from keras_artkd.deploy.formats import keras_file, onnx, saved_model, tflite
from keras_artkd.deploy.formats.base import (
    ExportFormat,
    ModelError,
    ModelFormat,
    Runtime,
    UnreadableModel,
)
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.types import Path

EXPORT_FORMATS: dict[str, ExportFormat] = {
    file_format.name: file_format
    for file_format in (saved_model.FORMAT, tflite.FORMAT, onnx.FORMAT)
}
# Also the format that training writes.
MODEL_FORMATS: tuple[ModelFormat, ...] = (
    *EXPORT_FORMATS.values(),
    keras_file.FORMAT,
)


def get_export_format(name: str) -> ExportFormat:
    """The export format of a name.

    Raises:
        ValueError: for an unknown name; it lists the known ones.
    """
    if name not in EXPORT_FORMATS:
        raise ValueError(
            f"`format` must be one of {', '.join(EXPORT_FORMATS)}. "
            f"Received: format={name!r}."
        )
    return EXPORT_FORMATS[name]


def open_model(path: Path) -> Runtime:
    """Opens a model with the runtime of its format.

    Args:
        path: a file or folder in one of `MODEL_FORMATS`.

    Raises:
        ValueError: if there is no such file, its format is unknown, it is
            damaged or no classifier of images, or it is a SavedModel that
            would reach files or run code outside its graph.
        ImportError: if the library of the format is not installed.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"There is no model {path}. Fix: check the path.")
    file_format = _format_of(path)
    try:
        runtime = file_format.open(path)
        runtime.path = path
        return runtime
    except (ImportError, ModelError):
        raise
    except Exception as error:
        raise UnreadableModel(path, error) from error


def write_info(path: Path, info: ModelInfo) -> None:
    """Puts a `ModelInfo` into a model that has none yet.

    Args:
        path: a file or folder in one of `MODEL_FORMATS`. It is changed in
            place, so nobody may have it open.
        info: `ModelInfo`.
    """
    path = pathlib.Path(path)
    _format_of(path).write_info(path, info)


def _format_of(path: pathlib.Path) -> ModelFormat:
    if path.is_dir():
        if not saved_model.is_saved_model(path):
            raise ValueError(
                "A model's folder must be a SavedModel. Received: "
                f"{path}, without saved_model.pb. Fix: check the path."
            )
        return saved_model.FORMAT
    by_suffix = {each.suffix: each for each in MODEL_FORMATS if each.suffix}
    if path.suffix not in by_suffix:
        raise ValueError(
            f"A model must be one of {', '.join(by_suffix)} or a SavedModel "
            f"folder. Received: {path}."
        )
    return by_suffix[path.suffix]
