"""What several folds found together: every image tested once."""

import shlex
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_artkd import models
from keras_artkd.datasets import Collection
from keras_artkd.files import read_arrays, remove
from keras_artkd.measure.intervals import metric_intervals
from keras_artkd.measure.metrics import agreement, classification_metrics
from keras_artkd.run_folder import AGGREGATED, RunFolder
from keras_artkd.runs.delivery import Exports
from keras_artkd.runs.evidence import save_evidence
from keras_artkd.runs.open_plan import reference
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.testing import describe_network
from keras_artkd.types import Array

STUDENT = "student"


def check_folds_finished(plan: Plan) -> None:
    """Raises ValueError unless the runs of all folds of a plan are finished."""
    missing = [fold for fold in plan.folds if not fold.folder.is_finished]
    if missing:
        network = plan.config.networks.student
        raise ValueError(
            "A model of all images comes after the folds that test it. "
            f"Received: {network}, {len(missing)} of {len(plan.folds)} folds "
            "not finished. Fix: artkd train with --folds trains them first; "
            "--fold 0 is one alone."
        )
    bare = [
        fold.folder
        for fold in plan.folds
        if not fold.folder.metrics["exports"]
        and "failed_exports" not in fold.folder.metrics
    ]
    if plan.config.output.exports and bare:
        raise ValueError(
            "The files of a model of all images are measured by those of its "
            f"folds. Received: {len(bare)} folds without files, such as "
            f"{bare[0]}. Fix: --no-exports here, and artkd export makes the "
            "files; or remove those folders."
        )


def evaluate_folds(
    plan: Plan, data: Collection, student: keras.Model
) -> dict[str, Any]:
    """The metrics of a run on all images: what the folds' students reached.

    The student of this run cannot be tested: it was trained on every image.
    Those of the folds were trained alike, on fewer. Writes their predictions,
    and a gallery.

    Args:
        plan: `Plan`, of all folds.
        data: a `datasets.Collection`; its test split is all images.
        student: the student of all images.

    Returns:
        dict, as `keras_artkd.runs.testing.evaluate` does, less what was chosen
        by validation, with `folds`: a list of each one's test.
    """
    folders = [fold.folder for fold in plan.folds]
    logits = _predictions(folders, data)
    aggregated = logits.pop(AGGREGATED, None)
    # No maps: the network of all images did not give these answers.
    save_evidence(plan, data, {}, logits, aggregated)
    first = folders[0].metrics
    return {
        **{key: first[key] for key in ("method", "student", "head", "seed")},
        "parameters": models.upright(student).count_params(),
        "epochs": first["epochs"],
        "best_epoch": first["epochs"],
        "epoch_chosen_by": "folds",
        "class_names": data.class_names,
        **_tested(folders, data, logits[STUDENT]),
        **_rotated(data, aggregated),
        "test_intervals": {
            name: list(interval)
            for name, interval in metric_intervals(
                data.test.labels, logits[STUDENT]
            ).items()
        },
        "folds": [
            {
                "run": folder.name,
                **{
                    key: folder.metrics["test"][key]
                    for key in ("num_examples", "accuracy", "macro_accuracy")
                },
            }
            for folder in folders
        ],
        # Teachers of the folds: each role that all of them have.
        **{
            role: {
                **{key: first[role][key] for key in ("name", "parameters")},
                "test_accuracy": float(
                    (values.argmax(1) == data.test.labels).mean()
                ),
                "agreement_with_student": agreement(values, logits[STUDENT]),
            }
            for role, values in logits.items()
            if role != STUDENT
        },
        "networks": [
            describe_network(STUDENT, student, plan.crop_size),
            *(each for each in first["networks"] if each["role"] != STUDENT),
        ],
    }


def expert_of_folds(plan: Plan, data: Collection) -> dict[str, Any] | None:
    """What the experts of the folds reached together; None without any.

    Of a method without an expert they are those that its students are judged
    by.
    """
    experts = [reference(fold) for fold in plan.folds]
    folders = [e.folder for e in experts if e and e.folder.is_finished]
    if len(folders) < len(experts):
        return None
    logits = _predictions(folders, data)[STUDENT]
    return {
        "parameters": folders[0].metrics["parameters"],
        "train": folders[0].metrics.get("train"),
        **_tested(folders, data, logits),
    }


def exports_of_folds(plan: Plan, exports: Exports) -> Exports:
    """Exports with the accuracy of the folds' files, each on its own test.

    A file is not kept of which a fold's did not pass the gate.
    """
    found = [fold.folder.metrics for fold in plan.folds]
    counts = [metrics["test"]["num_examples"] for metrics in found]
    result = Exports({}, dict(exports.failed))
    for kind, export in exports.reports.items():
        shares = [
            metrics["exports"][kind]["accuracy"]
            for metrics in found
            if kind in metrics["exports"]
        ]
        if len(shares) == len(found):
            accuracy = float(np.average(shares, weights=counts))
            # What else was measured on the training images goes.
            result.reports[kind] = {
                **{
                    k: v
                    for k, v in export.items()
                    if "drop" not in k and k != "judged"
                },
                "accuracy": accuracy,
            }
        else:
            remove(plan.folder.path / export["file"])
            result.failed[kind] = {
                "file": export["file"],
                "reason": f"{len(found) - len(shares)} of {len(found)} folds "
                "have none, so its accuracy is not known.",
                "next": shlex.join(
                    ["artkd", "report", str(plan.folds[0].folder)]
                ),
            }
    return result


def _tested(
    folders: Sequence[RunFolder], data: Collection, logits: Array
) -> dict[str, Any]:
    metrics = [folder.metrics for folder in folders]
    counts = [each["test"]["num_examples"] for each in metrics]

    def mean(*path: str) -> float:
        values: Any = metrics
        for key in path:
            values = [value[key] for value in values]
        return float(np.average(values, weights=counts))

    tested: dict[str, Any] = {
        "test": classification_metrics(
            data.test.labels, logits, data.class_names
        ),
        "test_last_epoch": {
            key: mean("test_last_epoch", key)
            for key in ("accuracy", "macro_accuracy")
        },
    }
    if all("frozen_head" in each for each in metrics):
        tested["frozen_head"] = {
            key: mean("frozen_head", key)
            for key in ("test_accuracy", "test_macro_accuracy")
        }
    return tested


def _rotated(data: Collection, aggregated: Array | None) -> dict[str, Any]:
    """What the answers over rotations reached, where the folds kept them."""
    if aggregated is None:
        return {}
    metrics = classification_metrics(
        data.test.labels, aggregated, data.class_names
    )
    accuracies = ("accuracy", "macro_accuracy")
    return {"test_rotations": {key: metrics[key] for key in accuracies}}


def _predictions(
    folders: Sequence[RunFolder], data: Collection
) -> dict[str, Array]:
    """Logits of every image by role, in the order of the test split.

    With `AGGREGATED`, where all folds kept it.
    """
    found: list[dict[str, Array]] = []
    for folder in folders:
        fix = "remove the fold's folder, and train it again"
        found.append(read_arrays(folder.predictions, fix))
    keys = [key for each in found for key in each["keys"].tolist()]
    position = {key: index for index, key in enumerate(keys)}
    wanted = data.test.keys.tolist()
    if sorted(keys) != sorted(wanted):
        raise ValueError(
            "The folds must have tested these very images. Received: "
            f"{len(keys)} tested images, {len(wanted)} images. Fix: remove the "
            "runs of the folds, for the images changed since."
        )
    place = [position[key] for key in wanted]
    roles = set.intersection(*({*each} for each in found))
    return {
        role: np.concatenate([each[role] for each in found])[place]
        for role in sorted(roles - {"keys", "labels"})
    }
