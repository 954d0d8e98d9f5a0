"""The files to deploy that every run leaves."""

import shlex
from typing import Any, NamedTuple

import keras

from keras_artkd.datasets import Collection
from keras_artkd.deploy.export.parity import ParityError, ParityGate
from keras_artkd.deploy.export.run import (
    choose_calibration_images,
    deliver_student,
    images_to_measure,
)
from keras_artkd.deploy.finished_run import RunFacts, model_info
from keras_artkd.deploy.formats import get_export_format, write_info
from keras_artkd.deploy.formats.converting import converter_process
from keras_artkd.files import first_line, remove, replacing
from keras_artkd.measure.verdict import FINE_TUNING_EPOCHS
from keras_artkd.output import escaped
from keras_artkd.runs.plan import Plan
from keras_artkd.types import Path

# Kind -> format and quantisation.
EXPORTS = {
    "saved_model": ("saved_model", "none"),
    "tflite": ("tflite", "none"),
    "tflite_int8": ("tflite", "int8"),
}


class Exports(NamedTuple):
    """What became of the files to deploy.

    Attributes:
        reports: dict of kind -> what was measured.
        failed: dict of kind -> `{"file", "reason", "next"}`, of the files that
            could not be written or did not pass the gate.
    """

    reports: dict[str, dict[str, Any]]
    failed: dict[str, dict[str, str]]


def export_student(
    plan: Plan,
    data: Collection,
    facts: RunFacts,
    student: keras.Model,
) -> Exports:
    """Writes the deployable files and measures each on the test split.

    Each goes through the gate that `artkd export` has, which looks at the
    validation images (where all images were trained on, at some of these). A
    file that fails does not lose the others, nor the
    training; neither does a converter that ends its process.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        facts: `RunFacts`.
        student: the network to deploy.
    """
    print("Exporting ...")
    sizes = plan.crop_size, plan.config.data.image_size
    name = "training" if plan.is_of_all_folds else "test"
    held_out = (name, *images_to_measure(data.test, *sizes))
    calibration = choose_calibration_images(data.train, *sizes)
    judged = images_to_measure(data.validation, *sizes)
    result = Exports({}, {})
    with converter_process():
        for kind, (file_format, quantize) in EXPORTS.items():
            file = get_export_format(file_format).file_name(quantize)
            try:
                result.reports[kind] = deliver_student(
                    student,
                    plan.folder.path / file,
                    file_format,
                    quantize,
                    facts,
                    calibration,
                    held_out,
                    ParityGate(),
                    judged,
                )
            except Exception as error:  # Converters raise any type.
                # An interrupted run may have left one.
                remove(plan.folder.path / file)
                again = ["artkd", "export", str(plan.folder)]
                again += ["--format", file_format, "--quantize", quantize]
                if quantize == "int8" and isinstance(error, ParityError):
                    again += ["--fine-tune", str(FINE_TUNING_EPOCHS)]
                result.failed[kind] = {
                    "file": file,
                    "reason": escaped(first_line(error)),
                    "next": shlex.join(again),
                }
    return result


def save_student(path: Path, student: keras.Model, facts: RunFacts) -> None:
    """Saves a Keras model that names its classes and carries its card."""
    with replacing(path) as temporary:
        student.save(temporary)
        write_info(temporary, model_info(*facts))
