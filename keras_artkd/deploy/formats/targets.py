"""Validation of the path that an export is written to."""

import pathlib

from keras_artkd.deploy.formats.base import ExportFormat
from keras_artkd.deploy.formats.saved_model import is_saved_model
from keras_artkd.types import Path


def check_target(path: Path, file_format: ExportFormat) -> pathlib.Path:
    """The path of an export, if it may be written there.

    Raises:
        ValueError: if its ending is wrong, or something else would be lost.
    """
    path = pathlib.Path(path)
    suffix = file_format.suffix
    if suffix and (path.suffix != suffix or path.is_dir()):
        raise ValueError(
            f"`path` must be a file ending in {suffix} (readers know the "
            f"format by it). Received: path={path}. Fix: "
            f"{path.with_suffix(suffix)}."
        )
    if not suffix and path.exists() and not _is_replaceable(path):
        raise ValueError(
            "`path` must be new, empty or a SavedModel (anything else there "
            f"would be lost). Received: path={path}. Fix: choose another "
            "folder."
        )
    return path


def _is_replaceable(path: pathlib.Path) -> bool:
    return path.is_dir() and (is_saved_model(path) or not any(path.iterdir()))
