"""The files to deploy that every run leaves."""

from typing import Any

import keras

from keras_artkd.data.pipeline import evaluation_arrays
from keras_artkd.datasets import Collection
from keras_artkd.deploy.export.run import (
    choose_calibration_images,
    deliver_student,
)
from keras_artkd.deploy.finished_run import RunFacts, model_info
from keras_artkd.deploy.formats import get_export_format, write_info
from keras_artkd.files import replacing
from keras_artkd.runs.plan import Plan
from keras_artkd.types import Path

# Kind -> format and quantisation.
EXPORTS = {
    "saved_model": ("saved_model", "none"),
    "tflite": ("tflite", "none"),
    "tflite_int8": ("tflite", "int8"),
}


def export_student(
    plan: Plan,
    data: Collection,
    facts: RunFacts,
    student: keras.Model,
) -> dict[str, dict[str, Any]]:
    """Writes the deployable files and measures each on the test split.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        facts: `RunFacts`.
        student: the network to deploy.

    Returns:
        dict of kind -> what was measured.
    """
    print("Exporting ...")
    sizes = plan.crop_size, plan.config.data.image_size
    name = "training" if plan.is_of_all_folds else "test"
    held_out = (name, *evaluation_arrays(data.test, *sizes))
    calibration = choose_calibration_images(data.train, *sizes)
    reports = {}
    for kind, (file_format, quantize) in EXPORTS.items():
        reports[kind] = deliver_student(
            student,
            plan.folder.path
            / get_export_format(file_format).file_name(quantize),
            file_format,
            quantize,
            facts,
            calibration,
            held_out,
        )
    return reports


def save_student(path: Path, student: keras.Model, facts: RunFacts) -> None:
    """Saves a Keras model that names its classes and carries its card."""
    with replacing(path) as temporary:
        student.save(temporary)
        write_info(temporary, model_info(*facts))
