"""The test of a run, once."""

import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_artkd import models
from keras_artkd.datasets import Collection
from keras_artkd.deploy.export.parity import milliseconds_per_image
from keras_artkd.deploy.formats.keras_file import KerasRuntime
from keras_artkd.distillers import Distiller
from keras_artkd.distillers.adversaries import (
    DISCRIMINATOR,
    adversary_incidents,
)
from keras_artkd.measure.cost import count_multiply_adds
from keras_artkd.measure.intervals import metric_intervals
from keras_artkd.measure.metrics import agreement, classification_metrics
from keras_artkd.runs.batches import evaluation_batches
from keras_artkd.runs.checkpoint import Checkpoint
from keras_artkd.runs.evidence import save_evidence
from keras_artkd.runs.heads import Head, measure_frozen
from keras_artkd.runs.networks import built_head
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.stages import describe_phases
from keras_artkd.types import Array


def evaluate(
    plan: Plan,
    data: Collection,
    distiller: Distiller,
    checkpoint: Checkpoint,
    teachers: Mapping[str, keras.Model],
) -> dict[str, Any]:
    """Tests the last and the best student, once each, and saves evidence.

    The best epoch was chosen on the validation split alone. Leaves the best
    weights in the student. Writes the predictions, the attention maps and the
    gallery; see `saved_models/README.md`.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        distiller: after its training.
        checkpoint: of it.
        teachers: dict of role -> frozen teacher, tested beside the student.

    Returns:
        dict, the run's metrics.
    """
    # Without its heads for the training.
    student = models.without_exits(distiller.student)

    def logits(model: keras.Model, split: str) -> Array:
        batches = evaluation_batches(plan, getattr(data, split), model)
        answers: Array = model.predict(batches, verbose=0)
        return answers

    def metrics(values: Array, split: str) -> dict[str, Any]:
        return classification_metrics(
            getattr(data, split).labels, values, data.class_names
        )

    def aggregated() -> Array | None:
        if plan.rotations == 1:
            return None
        return logits(models.rotation_ensemble(student), "test")

    last, last_rotated = metrics(logits(student, "test"), "test"), aggregated()
    checkpoint.load_best()
    networks = {
        "student": student,
        **distiller.co_trained,
        **teachers,
    }
    tested = {role: logits(model, "test") for role, model in networks.items()}
    rotated = aggregated()
    save_evidence(plan, data, networks, tested, rotated)
    averaged = {
        "test_rotations": rotated,
        "test_rotations_last_epoch": last_rotated,
    }
    return {
        "method": plan.method.name,
        "student": plan.config.networks.student,
        "head": built_head(plan, student),
        "train": plan.config.networks.train,
        "seed": plan.config.schedule.seed,
        "parameters": models.upright(student).count_params(),
        "epochs": checkpoint.epoch,
        "best_epoch": checkpoint.best_epoch,
        "epoch_chosen_by": plan.epoch_choice,
        "class_names": data.class_names,
        "test": metrics(tested["student"], "test"),
        "test_intervals": {
            name: list(interval)
            for name, interval in metric_intervals(
                data.test.labels, tested["student"]
            ).items()
        },
        "test_last_epoch": _accuracies(last),
        **{
            name: _accuracies(metrics(values, "test"))
            for name, values in averaged.items()
            if values is not None
        },
        **_frozen_head(plan, data),
        **_adversaries(checkpoint.history),
        **_phases(plan, distiller),
        "validation": metrics(logits(student, "validation"), "validation"),
        # Teachers: the expert as given, the initial one at its last epoch.
        **{
            role: {
                "name": networks[role].name,
                "parameters": models.upright(networks[role]).count_params(),
                "test_accuracy": metrics(values, "test")["accuracy"],
                "agreement_with_student": agreement(values, tested["student"]),
            }
            for role, values in tested.items()
            if role != "student"
        },
        "networks": [
            describe_network(role, model, plan.crop_size)
            for role, model in networks.items()
        ],
    }


def _frozen_head(plan: Plan, data: Collection) -> dict[str, Any]:
    """What the classifier on frozen features reached, where there was one."""
    path = plan.folder.frozen_head
    # After a first stage they were no longer as inherited.
    if not path.exists() or plan.first_stage:
        return {}
    return {"frozen_head": measure_frozen(plan, data, Head.read(path))}


def _accuracies(metrics: dict[str, Any]) -> dict[str, Any]:
    return {key: metrics[key] for key in ("accuracy", "macro_accuracy")}


def _adversaries(history: dict[str, list[float | None]]) -> dict[str, Any]:
    """Adversaries that were out of order, of trainings that have some."""
    if not any(name.startswith(DISCRIMINATOR) for name in history):
        return {}
    return {"adversaries": adversary_incidents(history)}


def _phases(plan: Plan, distiller: Distiller) -> dict[str, Any]:
    """What each phase trained, of trainings that have some."""
    if not plan.method.staged:
        return {}
    epochs = plan.config.schedule.epochs
    return {"phases": describe_phases(distiller, epochs)}


def describe_network(
    role: str, model: keras.Model, crop_size: int
) -> dict[str, Any]:
    """Cost of a network, as deployed."""
    model = models.upright(model)
    # A network of any size sees the crop.
    shape = [side or crop_size for side in model.input_shape[1:3]]
    images = np.random.default_rng(0).integers(0, 256, (4, *shape, 3))
    return {
        "role": role,
        "name": model.name,
        "parameters": model.count_params(),
        "multiply_adds": count_multiply_adds(model),
        "size_bytes": _keras_file_size(model),
        "milliseconds": milliseconds_per_image(KerasRuntime(model), images),
    }


def _keras_file_size(model: keras.Model) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.keras")
        model.save(path)
        return path.stat().st_size
