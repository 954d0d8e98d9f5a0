"""Student and data of a finished run, from the run's folder."""

import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_artkd.deploy.formats import saved_model, tflite
from keras_artkd.deploy.model_card import model_card
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.run_folder import DAMAGE, RunFolder
from keras_artkd.types import Path

if TYPE_CHECKING:
    from keras_artkd.datasets.collection import Collection


_TEXT, _NUMBER = (str, type(None)), (int, type(None))
# The arguments of `keras_artkd.datasets.load`, and those of a data set's own.
_LOAD: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "data_dir": _TEXT,
    "short_side": _NUMBER,
    "group": (str,),
    "limit": _NUMBER,
    "split_seed": (int,),
    "cache_dir": _TEXT,
    "unlabelled": (int, float),
    "unlabelled_dir": _TEXT,
    "folds": _NUMBER,
    "fold": _NUMBER,
    "fit": (str,),
    "cache_size": (int, float),
}
_OPTION = (str, int, float, bool, type(None))


class RunFacts(NamedTuple):
    """A run's settings, description of its data, and metrics."""

    settings: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]


def find_model(path: Path) -> pathlib.Path:
    """The model that a path means.

    Args:
        path: a model file or SavedModel folder, which means itself; or the
            folder of a finished run, which means its student: as LiteRT file,
            which needs neither Keras nor TensorFlow, where there is one, and
            otherwise as Keras file.

    Raises:
        ValueError: for any other folder, and for a run that is not finished.
    """
    path = pathlib.Path(path)
    if not path.is_dir() or saved_model.is_saved_model(path):
        return path
    folder = check_finished(path, "a SavedModel or ")
    deployable = folder.path / tflite.FORMAT.file_name()
    return deployable if deployable.is_file() else folder.student


def check_finished(path: Path, alternative: str = "") -> RunFolder:
    """The folder of a run, if the run is finished.

    Args:
        path: the folder.
        alternative: another thing that it may be, for the error.

    Raises:
        ValueError: if it is no run's, or the run is not finished.
    """
    folder = RunFolder(path)
    if folder.is_finished:
        return folder
    if folder.is_begun:
        command = folder.command or "its command, with"
        raise ValueError(
            f"The run must be finished. Received: {folder}, which has no "
            f"metrics.json yet. Fix: resume it: {command} --resume"
        )
    raise ValueError(
        f"The folder must be {alternative}that of a finished run. Received: "
        f"{folder}. Fix: the folder that the training named at its end."
    )


def read_facts(folder: RunFolder) -> RunFacts:
    """Reads the settings, data and metrics of a finished run.

    Raises:
        ValueError: if another version of this package wrote them, or they are
            damaged.
        OSError: if a file is missing.
    """
    facts = RunFacts(folder.settings, folder.data, folder.metrics)
    try:
        # Makes the card, and so reads all that an export needs.
        model_info(*facts)
        if not facts.data["fingerprint"]:
            raise KeyError("fingerprint")
        check_load(facts.data["load"])
    except DAMAGE as error:
        raise ValueError(
            "The run's files are not what this version writes. Received: "
            f"{folder} ({error!r:.300}). Fix: run it again."
        ) from error
    return facts


def check_load(load: Mapping[str, Any]) -> None:
    """Checks the kinds of the arguments that load a run's data again.

    Raises:
        KeyError: without the name of the data set.
        TypeError: for another kind.
    """
    if "name" not in load:
        raise KeyError("name")
    for name, value in load.items():
        kinds = _LOAD.get(name, _OPTION)
        if not isinstance(value, kinds) or (
            type(value) is bool and bool not in kinds
        ):
            raise TypeError(f"{name} is a {type(value).__name__}")


def model_info(
    config: Mapping[str, Any],
    data: Mapping[str, Any],
    metrics: Mapping[str, Any],
    export: Mapping[str, Any] | None = None,
) -> ModelInfo:
    """The `ModelInfo` of a run's student.

    Args:
        config: dict, the run's settings.
        data: dict, what is known of its data.
        metrics: dict, what it was measured to be.
        export: see `keras_artkd.deploy.model_card.model_card`.
    """
    crop = crop_size(config)
    file = export or {}
    return ModelInfo(
        class_names=data["class_names"],
        image_size=config["image_size"],
        short_side=data["load"]["short_side"] or crop,
        crop_size=crop,
        fit=data["load"].get("fit", "crop"),
        card=model_card(config, data, metrics, export),
        quantize=file.get("quantize", "none"),
        calibration_images=file.get("calibration_images", 0),
    )


def crop_size(config: Mapping[str, Any]) -> int:
    """Side of the crop that a run's networks got, resized, pixels."""
    # Runs of earlier versions had one size.
    size: int = config.get("crop_size", config["image_size"])
    return size


def load_data(data: Mapping[str, Any], data_dir: Path | None) -> "Collection":
    """Loads the data of a run again.

    Args:
        data: dict, what is known of the run's data.
        data_dir: where the data is, if it moved since; None if not.

    Raises:
        ValueError: if the images or their splits are not those of the run.
    """
    from keras_artkd import datasets

    load = dict(data["load"])
    # They belong to no split and have no part in the fingerprint.
    load.pop("unlabelled_dir", None)
    if data_dir is not None:
        load["data_dir"] = str(data_dir)
    collection = datasets.load(**load)
    if collection.fingerprint() != data["fingerprint"]:
        raise ValueError(
            "The images are not those of the run, so its held-out images "
            "might not be held out. Received: "
            f"{load['data_dir'] or load['name']}. Fix: restore the images, or "
            "--data-dir where they are."
        )
    return collection
