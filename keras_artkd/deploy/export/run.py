"""Exports of a run's student."""

import functools
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_artkd.deploy.companions import write_companions
from keras_artkd.deploy.export.parity import Gate, ParityGate, deliver
from keras_artkd.deploy.finished_run import (
    RunFacts,
    check_finished,
    crop_size,
    load_data,
    model_info,
    read_facts,
)
from keras_artkd.deploy.formats import get_export_format
from keras_artkd.deploy.formats.keras_file import load_keras_model
from keras_artkd.deploy.formats.targets import check_target
from keras_artkd.types import Array, Path

if TYPE_CHECKING:
    import keras

    from keras_artkd.data.store import ImageStore
    from keras_artkd.data.stream import ImageStream

# Of the images that a file is measured on: 4,000 of 224 pixels.
MEASURED_BYTES = 610_000_000
# Training images that int8 calibration looks at.
CALIBRATION_IMAGES = 256


def deliver_student(
    student: "keras.Model",
    path: Path,
    file_format: str,
    quantize: str,
    facts: RunFacts,
    calibration_images: Array,
    held_out: tuple[str, Array, Array],
    gate: Gate,
    judged: tuple[Array, Array] | None = None,
    batch: str | None = None,
    reference: "keras.Model | None" = None,
    fine_tuned: int | None = None,
) -> dict[str, Any]:
    """Exports a run's student with its card, measured on held-out images.

    Args:
        student: the Keras model.
        path: the file or folder to write.
        file_format: str, a key of `EXPORT_FORMATS`.
        quantize: one of the quantisations that the format offers.
        facts: `RunFacts`.
        calibration_images: uint8 `(n, side, side, 3)`, for int8.
        held_out: `(name, images, labels)`: the name of the split, uint8
            `(n, side, side, 3)`, int `(n,)`.
        gate: `ParityGate`, or another `Gate`.
        judged: `(images, labels)` that the gate looks at; by default those
            that are held out.
        batch: images that the file takes at once, `"1"` or `"open"`; the
            format's own by default.
        reference: the Keras model that the file is compared with; by default
            the student.
        fine_tuned: epochs that the student was trained more for this file;
            None for none.

    Returns:
        dict, the report of `deliver` with `file`, `format`, `quantize`,
        `held_out`, `calibration` ("static", or None where activations are
        floats), `calibration_images`, their number, and `fine_tuned` where it
        was.

    Raises:
        ValueError: if the file does not pass the gate.
    """
    from keras_artkd.deploy.formats.writing import export_model

    known_format = get_export_format(file_format)
    path = check_target(path, known_format)
    name, images, labels = held_out
    about = {
        "file": path.name,
        "format": file_format,
        "quantize": quantize,
        "held_out": f"{len(images):,} {name} images",
        # Both formats measure ranges once, none at each picture.
        "calibration": "static" if quantize == "int8" else None,
        "calibration_images": (
            len(calibration_images) if quantize == "int8" else 0
        ),
        **({} if fine_tuned is None else {"fine_tuned": fine_tuned}),
    }
    reference = student if reference is None else reference
    report = deliver(
        functools.partial(
            export_model,
            known_format,
            student,
            quantize=quantize,
            calibration_images=calibration_images,
            batch=batch,
            known=model_info(*facts),
        ),
        path,
        lambda report: model_info(*facts, {**report, **about}),
        images,
        reference.predict(images, verbose=0),
        labels,
        gate,
        judged
        and (judged[0], reference.predict(judged[0], verbose=0), judged[1]),
    )
    return {**about, **report}


def images_to_measure(
    store: "ImageStore", crop_size: int, image_size: int
) -> tuple[Array, Array]:
    """The images of a split that a file is measured on, and their labels.

    All of them, or of very many as many as memory should hold, drawn at random.

    Returns:
        uint8 `(n, image_size, image_size, 3)`, and int32 `(n,)`.
    """
    from keras_artkd.data.pipeline import evaluation_arrays

    most = MEASURED_BYTES // (3 * image_size**2)
    if len(store) > most:
        chosen = np.random.default_rng(0).permutation(len(store))[:most]
        store = store.take(np.sort(chosen))
    return evaluation_arrays(store, crop_size, image_size)


def choose_calibration_images(
    store: "ImageStore | ImageStream", crop_size: int, image_size: int
) -> Array:
    """Draws some training images, uint8 `(n, image_size, image_size, 3)`."""
    from keras_artkd.data.pipeline import evaluation_arrays

    chosen = np.random.default_rng(0).permutation(len(store))
    store = store.take(chosen[:CALIBRATION_IMAGES])
    return evaluation_arrays(store, crop_size, image_size)[0]


def export_run(
    run_dir: Path,
    file_format: str = "tflite",
    quantize: str = "none",
    path: Path | None = None,
    data_dir: Path | None = None,
    gate: ParityGate | None = None,
    licence: str | None = None,
    batch: str | None = None,
) -> tuple[pathlib.Path, dict[str, Any]]:
    """Exports a finished run's best student in any format, through a gate.

    The run's data is loaded again: the gate looks at its validation images,
    which chose the epoch (the test images choose nothing). With a
    `.tflite` file in the run's folder go `classify.py` and `golden/`. Of a
    run that was fine-tuned for int8 that student is in every int8 `.tflite`.

    Args:
        run_dir: folder of a finished run.
        file_format: str, a key of `EXPORT_FORMATS`.
        quantize: one of the quantisations that the format offers.
        path: the file or folder to write; by default in the run's folder.
        data_dir: where the data is, if it moved since.
        gate: `ParityGate`; the default one if None.
        licence: for the model card; the run's own by default.
        batch: images that the file takes at once, `"1"` or `"open"`; the
            format's own by default.

    Returns:
        `(path, report)`, see `deliver_student`.

    Raises:
        ValueError: if the run or its data is not as it was, or the file does
            not pass the gate; nothing is written then.
        OSError: if the path cannot be written.
    """
    known_format = get_export_format(file_format)
    name = known_format.file_name(quantize)
    folder = check_finished(run_dir)
    config, data, metrics = facts = read_facts(folder)
    path = check_target(path or folder.path / name, known_format)
    if licence is not None:
        config["licence"] = licence
    reference = student = load_keras_model(folder.student)
    tuned = None
    if (file_format, quantize) == ("tflite", "int8"):
        own = metrics.get("exports", {}).get("tflite_int8", {})
        tuned = own.get("fine_tuned")
    if tuned is not None:
        student = load_keras_model(folder.fine_tuned_student)

    collection = load_data(data, data_dir)
    # Of all folds together every image was trained on.
    held_out = "training" if "folds" in metrics else "validation"
    sizes = crop_size(config), config["image_size"]
    report = deliver_student(
        student,
        path,
        file_format,
        quantize,
        facts,
        choose_calibration_images(collection.train, *sizes),
        (held_out, *images_to_measure(collection.validation, *sizes)),
        gate or ParityGate(),
        batch=batch,
        reference=reference,
        fine_tuned=tuned,
    )
    if held_out == "training":
        del report["judged"]
    in_folder = path.parent.resolve() == folder.path.resolve()
    if in_folder and file_format == "tflite":
        write_companions(folder, collection.test)
    return path, report
