"""Training a finished run's student for its int8 file."""

import dataclasses
import pathlib
import tempfile
from typing import Any

import keras

from keras_artkd.data.pipeline import steps_per_epoch, training_dataset
from keras_artkd.data.views import Store
from keras_artkd.deploy.companions import write_companions
from keras_artkd.deploy.export.parity import ParityGate, verify
from keras_artkd.deploy.export.run import (
    choose_calibration_images,
    deliver_student,
    images_to_measure,
)
from keras_artkd.deploy.finished_run import (
    check_finished,
    crop_size,
    load_data,
    read_facts,
)
from keras_artkd.deploy.formats import get_export_format
from keras_artkd.deploy.formats.keras_file import load_keras_model
from keras_artkd.deploy.formats.targets import check_target
from keras_artkd.deploy.formats.writing import export_model, to_deploy
from keras_artkd.deploy.model_card import model_card
from keras_artkd.distillers.methods.kd import kd
from keras_artkd.files import write_text
from keras_artkd.measure.verdict import with_int8_concern
from keras_artkd.models.functional import as_functional
from keras_artkd.models.simulated_int8 import simulate_int8
from keras_artkd.report import write_report
from keras_artkd.run_folder import METRICS, RunFolder
from keras_artkd.runs.delivery import save_student
from keras_artkd.types import Path

# Adam's, at the first step; it falls to zero.
_LEARNING_RATE = 3e-4


@dataclasses.dataclass(frozen=True)
class FineTuned:
    """What fine-tuning gave.

    Attributes:
        path: the int8 file.
        before: report of `verify` on the validation images, of the int8 file
            that was there, or that the student gives as it is.
        after: the same of the file of the trained student.
        report: of `deliver_student`, on the test images; None if the file is
            not better, and what was there stays.
    """

    path: pathlib.Path
    before: dict[str, Any]
    after: dict[str, Any]
    report: dict[str, Any] | None


class _NotBetter(Exception):
    """A file that is no better than the one before."""


@dataclasses.dataclass
class _Better:
    """A gate that also wants more than the file before.

    Attributes:
        gate: `ParityGate`.
        before: report of `verify`.
        after: report of the file that was judged.
    """

    gate: ParityGate
    before: dict[str, Any]
    after: dict[str, Any] = dataclasses.field(default_factory=dict)

    def check(self, report: dict[str, Any]) -> None:
        """Raises `_NotBetter`, or what the gate raises."""
        self.after = report
        if _quality(report) <= _quality(self.before):
            raise _NotBetter
        self.gate.check(report)


def _quality(report: dict[str, Any]) -> tuple[float, float]:
    return report["accuracy"], report["agreement"]


def fine_tune_run(
    run_dir: Path,
    epochs: int,
    file_format: str = "tflite",
    path: Path | None = None,
    data_dir: Path | None = None,
    gate: ParityGate | None = None,
    licence: str | None = None,
    batch: str | None = None,
) -> FineTuned:
    """Trains a run's student for int8, and keeps its file if it is better.

    The student learns from its own answers in floats, and from the labels of
    the training images, while its weights and activations are rounded (see
    `simulate_int8`). Then it is exported as every student is. The validation
    images decide: the new file must be right more often than the one that was
    there, or as often with more of the student's own answers. The student of
    the run stays as it is; the trained one is `student_fine_tuned.keras`.

    Args:
        run_dir: folder of a finished run.
        epochs: int >= 1, of the training.
        file_format: see `export_run`, as for all that follow.
        path: the file to write.
        data_dir: where the data is.
        gate: `ParityGate`; both are compared with the run's own student.
        licence: for the model card.
        batch: images that the file takes at once.

    Returns:
        `FineTuned`.

    Raises:
        ValueError: if the run, its data or its network does not fit, or the
            file does not pass the gate; nothing is written then.
        OSError: if the path cannot be written.
    """
    if epochs < 1:
        raise ValueError(
            "`epochs` of fine-tuning must be at least 1. Received: "
            f"epochs={epochs}."
        )
    known_format = get_export_format(file_format)
    name = known_format.file_name("int8")
    folder = check_finished(run_dir)
    config, data, metrics = facts = read_facts(folder)
    if "folds" in metrics:
        raise ValueError(
            "Fine-tuning needs validation images, to compare the files by. "
            f"Received: {folder}, whose student learned from all images. Fix: "
            "a run of one fold (--fold 0), or one without --folds."
        )
    path = check_target(path or folder.path / name, known_format)
    if licence is not None:
        config["licence"] = licence
    student, tuned = (
        to_deploy(as_functional(load_keras_model(folder.student)))
        for _ in range(2)
    )
    # What is not functional should be told before the images are loaded.
    simulate_int8(tuned)

    collection = load_data(data, data_dir)
    sizes = crop_size(config), config["image_size"]
    calibration = choose_calibration_images(collection.train, *sizes)
    judged = images_to_measure(collection.validation, *sizes)
    answers = student.predict(judged[0], verbose=0)
    with tempfile.TemporaryDirectory() as temporary:
        old = path
        if not old.exists():
            old = pathlib.Path(temporary, name)
            export_model(
                known_format, student, old, "int8", calibration, batch=batch
            )
        before = verify(old, judged[0], answers, judged[1])
    print(
        f"Fine-tuning for int8 on {len(collection.train):,} images. Without it "
        f"{before['accuracy']:.2%} of {len(judged[0]):,} validation images are "
        f"right, and {before['agreement']:.2%} as the Keras model has them ...",
        flush=True,
    )
    fine_tune(
        tuned,
        student,
        collection.train,
        sizes[0],
        epochs,
        config["batch_size"],
        config["seed"],
        config.get("crop_and_mirror", True),
    )
    better = _Better(gate or ParityGate(), before)
    try:
        report = deliver_student(
            tuned,
            path,
            file_format,
            "int8",
            facts,
            calibration,
            ("test", *images_to_measure(collection.test, *sizes)),
            better,
            judged,
            batch,
            reference=student,
            fine_tuned=epochs,
        )
    except _NotBetter:
        return FineTuned(path, before, better.after, None)
    if path.resolve() == (folder.path / name).resolve():
        write_companions(folder, collection.test)
        if file_format == "tflite":
            save_student(folder.fine_tuned_student, tuned, facts)
            _tell(folder, report)
    return FineTuned(path, before, better.after, report)


def fine_tune(
    student: keras.Model,
    teacher: keras.Model,
    store: Store,
    crop_size: int,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    crop_and_mirror: bool = True,
    learning_rate: float = _LEARNING_RATE,
) -> None:
    """Trains a network, in place, to answer in int8 as it does in floats.

    Args:
        student: functional `keras.Model` in float32, images to logits.
        teacher: the same network once more, which is frozen.
        store: training images with their labels.
        crop_size: int, side of the crops, pixels.
        epochs: int >= 1.
        batch_size: int.
        seed: int, of the order and the crops.
        crop_and_mirror: bool, see `training_dataset`.
        learning_rate: float, Adam's, at the first step.

    Raises:
        ValueError: if the network cannot be simulated.
    """
    # Also of a run that trained its classifier alone.
    student.trainable = True
    batch_size = min(batch_size, len(store))
    steps = steps_per_epoch(store, batch_size)
    distiller = kd(simulate_int8(student), teacher)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps * epochs)
    distiller.compile(keras.optimizers.Adam(rate))
    distiller.fit(
        training_dataset(
            store,
            crop_size,
            batch_size,
            seed,
            epochs,
            crop_and_mirror=crop_and_mirror,
        ),
        steps_per_epoch=steps,
        epochs=epochs,
        shuffle=False,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: print(
                    f"  epoch {epoch + 1} of {epochs}, loss {logs['loss']:.4f}",
                    flush=True,
                )
            )
        ],
        verbose=0,
    )


def _tell(folder: RunFolder, report: dict[str, Any]) -> None:
    """Lets the run's metrics, card and page tell of its new int8 file."""
    metrics = folder.metrics
    metrics.setdefault("exports", {})["tflite_int8"] = report
    failed = metrics.get("failed_exports", {})
    failed.pop("tflite_int8", None)
    if not failed:
        metrics.pop("failed_exports", None)
    if "verdict" in metrics:  # Runs of older versions have none.
        metrics["verdict"] = with_int8_concern(
            metrics["verdict"], report, str(folder)
        )
    folder.write(METRICS, metrics)
    write_text(folder.card, model_card(folder.settings, folder.data, metrics))
    write_report(folder.path)
