"""The one runner: data, expert, training, test, exports, report."""

import pathlib
from typing import Any

import keras

from keras_artkd import datasets, models
from keras_artkd.data.pipeline import steps_per_epoch
from keras_artkd.datasets import Collection
from keras_artkd.deploy.companions import write_companions
from keras_artkd.deploy.finished_run import RunFacts
from keras_artkd.deploy.model_card import model_card
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.files import write_atomically, write_text
from keras_artkd.measure.verdict import judge, with_int8_concern
from keras_artkd.output import escaped
from keras_artkd.report import write_report
from keras_artkd.run_folder import (
    DATA,
    METRICS,
    SETTINGS,
    VERSIONS,
    RunFolder,
)
from keras_artkd.runs import hosts
from keras_artkd.runs.checkpoint import KeepStages
from keras_artkd.runs.claims import claim, claimed
from keras_artkd.runs.commands import command
from keras_artkd.runs.data_notes import data_notes
from keras_artkd.runs.delivery import export_student, save_student
from keras_artkd.runs.evidence import save_left_out
from keras_artkd.runs.expert_config import EXPERT_METHOD
from keras_artkd.runs.expert_views import teaching_networks
from keras_artkd.runs.experts import given_expert
from keras_artkd.runs.fold_results import (
    check_folds_finished,
    evaluate_folds,
    expert_of_folds,
    exports_of_folds,
)
from keras_artkd.runs.label_table import write_labels
from keras_artkd.runs.labelling import (
    check_table,
    describe_labels,
    print_next,
    teach,
)
from keras_artkd.runs.networks import check_student
from keras_artkd.runs.optimizer import plateau_ends
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.progress import Progress
from keras_artkd.runs.provenance import (
    check_same_data,
    describe_data,
    describe_versions,
)
from keras_artkd.runs.pseudo_labels import PseudoLabels
from keras_artkd.runs.stages import AnnouncePhases, stage_paths
from keras_artkd.runs.summary import print_finished, print_summary
from keras_artkd.runs.testing import evaluate
from keras_artkd.runs.training import (
    check_devices,
    train,
    train_together,
)
from keras_artkd.runs.validation import check_plan

# With fewer steps from random weights a network hardly moves.
_FEWEST_STEPS = 200


def load_data(plan: Plan) -> Collection:
    """The run's data set, split, at the size that crops need."""
    announce_data(plan)
    data = datasets.load(**plan.load_arguments)
    describe_splits(plan, data)
    for note in data_notes(data):
        print(f"note: {escaped(note)}")
    if data.skipped:
        print(f"  Left out or doubtful: {len(data.skipped)}")
        for skipped in data.skipped[:5]:
            print(escaped(f"    {skipped.key}: {skipped.reason}"))
        if len(data.skipped) > 5:
            print("    ... all of them in the run's data.json")
    return data


def announce_data(plan: Plan) -> None:
    """Prints which images are loaded."""
    source = plan.config.data
    where = f" from {source.data_dir}" if source.data_dir else ""
    print(f"Data: {source.dataset}{where} ...")


def describe_splits(plan: Plan, data: Collection) -> None:
    """Prints how many images serve for what."""
    held_out = (
        ", all of them"
        if plan.is_of_all_folds
        else f", {len(data.validation)} to validate, {len(data.test)} to test"
    )
    print(
        f"  {len(data.class_names)} classes; {len(data.train)} images to train "
        f"on{held_out}."
    )
    if data.unlabelled is not None:
        print(f"  {len(data.unlabelled)} images without labels.")


def run_or_read(plan: Plan, data: Collection) -> dict[str, Any]:
    """The metrics of a run: of the finished one, or run now.

    For runs that are part of something larger, which nobody starts by name:
    an interrupted one resumes.
    """
    # Another command may train the same expert.
    with claim(plan.folder, wait=True):
        if not hosts.told("expert finished", plan.folder.is_finished):
            return _run(plan, data)
    check_same_data(plan.folder, data)
    print(f"Finished before: {plan.folder}")
    return plan.folder.metrics


def run(
    plan: Plan,
    data: Collection | None = None,
    reference: RunFolder | None = None,
) -> dict[str, Any]:
    """Trains, tests and exports what a plan describes.

    Trains the expert first where the method needs one and the configuration
    does not give it. An expert that an earlier run trained is used again. Of a
    run that is finished it prints what it reached.

    Args:
        plan: `Plan`, from `keras_artkd.runs.plan.resolve`.
        data: a `datasets.Collection` already loaded for it, or None.
        reference: folder of the finished run of an expert that the student is
            judged by; by default that of its own expert.

    Returns:
        dict, the run's metrics; with `labels_only` what is known of the
        pseudo-labels.

    Raises:
        ValueError: for input that cannot be used, an interrupted run without
            `resume`, one that another process trains, or data that changed
            since.
    """
    if hosts.told("finished", plan.folder.is_finished):
        return print_finished(plan.folder)
    if hosts.is_first():
        _check_unclaimed(plan)
    return _run(plan, data, reference)


def _check_unclaimed(plan: Plan) -> None:
    """Rejects a run that somebody else trains or has begun."""
    if plan.folder.path.exists():
        # Another command may be training it.
        with claimed(plan.folder):
            pass
    resume = plan.config.output.resume
    if plan.folder.is_interrupted and not resume:
        raise ValueError(
            f"This run was interrupted: {plan.folder}. Fix: add --resume to "
            "resume it, or remove the folder to start over."
        )
    if resume and not plan.folder.is_begun:
        _note_what_differs(plan.folder)


def _run(
    plan: Plan,
    data: Collection | None,
    reference: RunFolder | None = None,
) -> dict[str, Any]:
    check_plan(plan)
    if plan.is_of_all_folds:
        check_folds_finished(plan)
    if plan.config.data.unlabelled_dir and not plan.learns_unlabelled:
        print(
            f"note: {plan.method.name} does not learn from images without "
            "labels; unlabelled does, alone or joined (unlabelled+rkd), and so "
            "do feature_distillation and function_matching"
        )
    # A mistake in the student's settings should not come to light after the
    # data was loaded and the expert trained, nor leave a folder.
    check_student(plan)
    check_devices(plan)
    data = load_data(plan) if data is None else data
    if len(data.class_names) == 2:
        # Which are too few for standardised logits.
        check_student(plan, 2)
    folder = plan.folder
    if folder.has_data:
        check_same_data(folder, data)
    check_table(plan, data)
    # What no file could say of itself would be told after the training.
    ModelInfo(
        data.class_names,
        plan.config.data.image_size,
        plan.load_arguments["short_side"] or plan.crop_size,
        crop_size=plan.crop_size,
    ).files()
    # Only now: what cannot begin leaves nothing behind.
    with claimed(plan.folder):
        return _train_and_test(plan, data, reference)


def _train_and_test(
    plan: Plan, data: Collection, reference: RunFolder | None
) -> dict[str, Any]:
    folder = plan.folder
    expert_path = find_expert(plan, data)
    with hosts.first_goes_first("data to learn from"):
        taught, labels = teach(plan, data, expert_path, folder)
        settings = plan.settings
        description = describe_data(plan, data, labels)
        measured = None
        if hosts.is_first():
            folder.write(SETTINGS, settings)
            folder.write(DATA, description)
            folder.write(VERSIONS, describe_versions())
            folder.write_command(command(plan))
            _announce(plan, taught)
            if labels is not None:
                measured = _keep_labels(plan, data, labels)
    if plan.config.data.labels_only:
        if hosts.is_first():
            print_next(plan, folder.pseudo_labels)
        return measured or {}
    training = plan, taught, expert_path, folder, _callbacks(plan, taught)
    if hosts.count_devices() > 1:
        train_together(*training)
        if not hosts.is_first():
            hosts.told("tested")
            return folder.metrics
    distiller, checkpoint = train(*training)
    student = models.without_exits(distiller.student)
    write_atomically(folder.last_student, student.save)
    if plan.is_of_all_folds:
        metrics = evaluate_folds(plan, data, student)
    else:
        metrics = evaluate(
            plan,
            data,
            distiller,
            checkpoint,
            teaching_networks(plan, distiller, expert_path),
        )
    if measured is not None:
        metrics["pseudo_labels"] = measured
    elif plan.method.label_free and data.unlabelled is not None:
        metrics["unlabelled_images"] = len(data.unlabelled)
    metrics["verdict"] = _judge(plan, data, metrics, reference)
    facts = RunFacts(settings, description, metrics)
    save_student(folder.student, student, facts)
    metrics["exports"] = {}
    if plan.config.output.exports:
        exports = export_student(plan, data, facts, student)
        write_companions(folder, data.test)
        if plan.is_of_all_folds:
            exports = exports_of_folds(plan, exports)
        metrics["exports"] = exports.reports
        if exports.failed:
            metrics["failed_exports"] = exports.failed
        if "tflite_int8" in exports.reports:
            metrics["verdict"] = with_int8_concern(
                metrics["verdict"], exports.reports["tflite_int8"], str(folder)
            )
    write_text(folder.card, model_card(*facts))
    # Written last: it is what makes a run finished.
    folder.write(METRICS, metrics)
    write_report(folder.path)
    print_summary(metrics, folder)
    hosts.told("tested")
    return metrics


def _announce(plan: Plan, data: Collection) -> None:
    """Prints what is trained now."""
    print(f"Run: {plan.folder}")
    _note_short_training(plan, data)
    if all_options := plan.settings["options"]:
        options = (
            f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}"
            for k, v in all_options.items()
        )
        print(f"  {plan.method.name}: {', '.join(options)}")


def _keep_labels(
    plan: Plan, data: Collection, labels: PseudoLabels
) -> dict[str, Any]:
    """Writes the pseudo-labels of a run; returns what is known of them."""
    folder = plan.folder
    assert data.unlabelled is not None
    shown = save_left_out(folder, data.unlabelled, labels)
    measured = labels.measure(data.hidden_labels) | {"left_out": shown}
    print(f"Pseudo-labels: {describe_labels(measured)}")
    # Not over a person's, which says the same in another order.
    if not folder.pseudo_labels.exists():
        write_labels(folder.pseudo_labels, labels, data.class_names)
    folder.write_arrays(
        folder.expert_answers, keys=labels.keys, logits=labels.logits
    )
    return measured


def _note_short_training(plan: Plan, data: Collection) -> None:
    schedule = plan.config.schedule
    steps = steps_per_epoch(
        data.train, schedule.batch_size, schedule.images_per_epoch
    )
    if steps * schedule.epochs < _FEWEST_STEPS and not plan.inherits:
        print(
            f"note: only {steps * schedule.epochs} steps in all, {steps} an "
            f"epoch of {len(data.train)} images; a smaller --batch-size or "
            "more --epochs train longer"
        )


def _judge(
    plan: Plan,
    data: Collection,
    metrics: dict[str, Any],
    reference: RunFolder | None,
) -> dict[str, Any]:
    facts = metrics, plan.folder.history, len(data.validation)
    if plan.is_of_all_folds:
        return judge(*facts, expert_of_folds(plan, data))
    folder = reference or (plan.expert.folder if plan.expert else None)
    expert = folder.metrics if folder else None
    if folder is None and len(plan.given_experts) == 1:
        # Its metrics may be of other test images.
        folder = RunFolder(plan.given_experts[0].parent)
    known = folder is not None and folder.is_finished
    return judge(*facts, expert, str(folder) if known else None)


def _callbacks(plan: Plan, data: Collection) -> list[keras.callbacks.Callback]:
    schedule = plan.config.schedule
    steps = steps_per_epoch(
        data.train, schedule.batch_size, schedule.images_per_epoch
    )
    callbacks = []
    if hosts.is_first():
        callbacks = [
            keras.callbacks.TensorBoard(plan.folder.logs),
            Progress(schedule.epochs, steps),
        ]
        if plan.method.staged:
            callbacks.append(AnnouncePhases())
    if plan.method.name == EXPERT_METHOD:
        ends = plateau_ends(schedule.epochs, schedule.drops)
        averaged = schedule.ema_momentum is not None
        callbacks.append(KeepStages(plan.folder.stages, ends, averaged))
    return callbacks


def _note_what_differs(folder: RunFolder) -> None:
    """Says so where --resume finds nothing, and there is something near."""
    prefix = folder.name.rpartition("-")[0]
    near = [
        other.name
        for path in sorted(folder.path.parent.glob(f"{prefix}-*"))
        if (other := RunFolder(path)).is_interrupted
    ]
    if near:
        print(
            f"note: nothing to resume with these settings in {folder}. "
            f"Interrupted with other settings: {', '.join(near)} (their "
            "command.txt has them)."
        )


def find_expert(plan: Plan, data: Collection) -> pathlib.Path | None:
    """Path of the trained expert, or None where the method has none.

    Trains it first where it is not there yet.
    """
    if not plan.has_expert:
        return None
    if plan.expert is None:
        with hosts.first_goes_first("given expert"):
            return given_expert(plan, data)
    if not plan.expert.folder.is_finished:
        print(f"Expert: {plan.config.networks.expert_network}")
    run_or_read(plan.expert, data)
    path = plan.expert.folder.student
    if plan.method.staged:
        stage_paths(path, plan.config.teaching.stages)
    return path
