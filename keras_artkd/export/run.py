"""Files to deploy, from the folder that a run left behind."""

import functools
import pathlib

import numpy as np

from keras_artkd.export.network import QUANTIZE, check_file_target
from keras_artkd.export.onnx import export_onnx
from keras_artkd.export.parity import ParityGate, deliver
from keras_artkd.export.saved_model import (
    check_folder_target,
    export_saved_model,
)
from keras_artkd.export.tflite import export_tflite
from keras_artkd.files import read_json
from keras_artkd.model_card import model_card
from keras_artkd.model_info import ModelInfo
from keras_artkd.runtimes import load_keras_model

# Format -> how it is written, the ending of its files, what it can hold.
FORMATS = {
    "saved_model": (export_saved_model, "", ("none",)),
    "tflite": (export_tflite, ".tflite", QUANTIZE),
    "onnx": (export_onnx, ".onnx", QUANTIZE),
}
# Training images that int8 calibration looks at.
CALIBRATION_IMAGES = 256


def file_name(file_format, quantize="none"):
    """What an export is called in its run's folder.

    Raises:
        ValueError: for what no format offers.
    """
    if file_format not in FORMATS:
        raise ValueError(
            f"`format` must be one of {', '.join(FORMATS)}. "
            f"Received: format={file_format!r}."
        )
    _, suffix, known = FORMATS[file_format]
    if quantize not in known:
        raise ValueError(
            f"Format {file_format} offers the quantisations "
            f"{', '.join(known)}. Received: quantize={quantize!r}."
            + (" Fix: tflite or onnx." if quantize in QUANTIZE else "")
        )
    if file_format == "saved_model":
        return "saved_model"
    stem = "student" if quantize == "none" else f"student_{quantize}"
    return stem + suffix


def check_target(path, file_format):
    """The path of an export, after checking that it may be written there."""
    suffix = FORMATS[file_format][1]
    return (
        check_file_target(path, suffix) if suffix else check_folder_target(path)
    )


def model_info(config, data, metrics, export=None):
    """The `ModelInfo` of a run's student.

    Args:
        config: dict, the run's `config.json`.
        data: dict, its `data.json`.
        metrics: dict, its `metrics.json`.
        export: see `keras_artkd.model_card.model_card`.
    """
    return ModelInfo(
        class_names=data["class_names"],
        image_size=config["image_size"],
        short_side=data["load"]["short_side"] or config["image_size"],
        card=model_card(config, data, metrics, export),
    )


def deliver_student(
    student,
    path,
    file_format,
    quantize,
    facts,
    calibration_images,
    held_out,
    gate=None,
):
    """Exports a run's student with its card, measured on held-out images.

    Args:
        student: the Keras model.
        path: the file or folder to write.
        file_format: a key of `FORMATS`.
        quantize: one of `QUANTIZE` that the format offers.
        facts: dicts `(config, data, metrics)` of the run.
        calibration_images: uint8 `(n, side, side, 3)`, for int8.
        held_out: `(name, images, labels)`: what they are called, uint8
            `(n, side, side, 3)`, int `(n,)`.
        gate: `ParityGate` or `None`, see `deliver`.

    Returns:
        dict, the report of `deliver` with `file`, `format`, `quantize` and
        `held_out`.
    """
    path = check_target(path, file_format)
    write, _, offered = FORMATS[file_format]
    if offered == QUANTIZE:
        write = functools.partial(
            write, quantize=quantize, calibration_images=calibration_images
        )
    name, images, labels = held_out
    about = {
        "file": path.name,
        "format": file_format,
        "quantize": quantize,
        "held_out": f"{len(images):,} {name} images",
    }
    report = deliver(
        functools.partial(write, student),
        path,
        lambda report: model_info(*facts, {**report, **about}),
        images,
        student.predict(images, verbose=0),
        labels,
        gate,
    )
    return {**about, **report}


def choose_calibration_images(store, image_size):
    """Some training images, uint8 `(n, side, side, 3)`."""
    from keras_artkd.data import evaluation_arrays

    chosen = np.random.default_rng(0).permutation(len(store))
    store = store.take(chosen[:CALIBRATION_IMAGES])
    return evaluation_arrays(store, image_size)[0]


def export_run(
    run_dir,
    file_format="tflite",
    quantize="none",
    path=None,
    data_dir=None,
    gate=None,
    licence=None,
):
    """Exports a finished run's best student in any format, through a gate.

    The run's data is loaded again: the gate looks at its validation images,
    which chose the epoch (the test images choose nothing).

    Args:
        run_dir: folder of a finished run.
        file_format: a key of `FORMATS`.
        quantize: one of `QUANTIZE` that the format offers.
        path: where to; in the run's folder by default.
        data_dir: where the data is, if it moved since.
        gate: `ParityGate`; the default one if None.
        licence: for the model card; the run's own by default.

    Returns:
        `(path, report)`, see `deliver_student`.

    Raises:
        ValueError: if the run or its data is not as it was, or the file does
            not pass the gate; nothing is written then.
        OSError: if the path cannot be written.
    """
    name = file_name(file_format, quantize)
    run_dir = pathlib.Path(run_dir)
    config, data, metrics = facts = _read_facts(run_dir)
    path = check_target(path or run_dir / name, file_format)
    if licence is not None:
        config["licence"] = licence

    student = load_keras_model(run_dir / "student.keras")

    from keras_artkd import datasets
    from keras_artkd.data import evaluation_arrays

    load = dict(data["load"])
    # Neither calibrates nor measures, and has no part in the fingerprint.
    load.pop("unlabelled_dir", None)
    if data_dir is not None:
        load["data_dir"] = str(data_dir)
    collection = datasets.load(**load)
    if collection.fingerprint() != data["fingerprint"]:
        raise ValueError(
            "The images are not those of the run, whose held-out part would "
            f"not be held out. Received: {load['data_dir'] or load['name']}. "
            "Fix: restore the images, or --data-dir where they are."
        )
    size = config["image_size"]
    report = deliver_student(
        student,
        path,
        file_format,
        quantize,
        facts,
        choose_calibration_images(collection.train, size),
        ("validation", *evaluation_arrays(collection.validation, size)),
        gate or ParityGate(),
    )
    return path, report


def _read_facts(run_dir):
    if not (run_dir / "metrics.json").is_file():
        raise ValueError(
            "An export needs the folder of a finished run, with metrics.json. "
            f"Received: {run_dir}. Fix: the folder that the recipe named at "
            "its end; an interrupted run goes on with --resume."
        )
    facts = [
        read_json(run_dir / f"{name}.json")
        for name in ("config", "data", "metrics")
    ]
    try:
        # Makes the card, and with it reads all that an export needs.
        model_info(*facts)
        assert facts[1]["fingerprint"]
    except (AssertionError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            "The run's files are not what this version writes. Received: "
            f"{run_dir} ({error!r}). Fix: run its recipe again."
        ) from error
    return facts
