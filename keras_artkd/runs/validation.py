"""Checks of a plan that need neither Keras nor the images' pixels."""

import os
import pathlib

from keras_artkd.datasets.loaders import check_request
from keras_artkd.runs.backend import use_backend
from keras_artkd.runs.identity import NO_FILE
from keras_artkd.runs.plan import Plan


def check_plan(plan: Plan) -> None:
    """Validates what a run would otherwise find after minutes.

    From here on Keras computes with the plan's backend.

    Raises:
        ValueError: for a data set, folder or file that cannot be used, for
            images without labels that no method learns from, and for a backend
            that is not the process's.
        ImportError: if the backend is not installed.
        OSError: if a folder or a file cannot be read.
    """
    use_backend(plan.config.schedule.backend)
    _check_weights(plan)
    _check_workdir(plan)
    check_request(**plan.load_arguments)
    if plan.has_expert and plan.given_experts:
        check_expert_files(plan)
    check_unlabelled(plan)
    check_expert_views(plan)
    if plan.is_of_all_folds:
        _check_all_folds(plan)
    if plan.first_stage:
        _check_first_stage(plan)
    if plan.method.staged and plan.config.schedule.ema_momentum is not None:
        raise ValueError(
            f"The phases of {plan.method.name} train other weights each, of "
            "which no average is kept. Received: ema_momentum="
            f"{plan.config.schedule.ema_momentum}. Fix: leave it out."
        )


def _check_workdir(plan: Plan) -> None:
    """Validates that a run's folder can be made."""
    place = plan.folder.path
    while not place.exists() and place != place.parent:
        place = place.parent
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise ValueError(
            "The folder of all runs must be one that can be written to. "
            f"Received: --workdir {plan.config.output.workdir}; {place} is not "
            "writable. Fix: another one."
        )


def _check_weights(plan: Plan) -> None:
    """Validates files of weights, the expert's, too, before any training."""
    networks = plan.config.networks
    for flag, path in (
        ("--inherit", networks.inherit),
        ("--initial-weights", networks.initial_weights),
        ("--expert-weights", networks.expert_weights),
    ):
        if path not in NO_FILE and not pathlib.Path(str(path)).exists():
            raise ValueError(
                "Weights to begin with must be imagenet, auto, or a file that "
                f"is there. Received: {flag} {path}. Fix: check the path."
            )


def _check_first_stage(plan: Plan) -> None:
    """Validates a training whose first stage reads no label."""
    schedule, wrong = plan.config.schedule, None
    if plan.first_stage >= schedule.epochs:
        wrong = f"epochs={schedule.epochs}, which leave none for the labels"
        mend = f"--options {plan.method.label_free} with less"
    elif schedule.ema_momentum is not None:
        wrong = (
            f"ema_momentum={schedule.ema_momentum}, an average in which the "
            "classifier before that goes on"
        )
        mend = "leave it out"
    if wrong:
        raise ValueError(
            "After a first stage without labels a classifier is fitted, and "
            f"labels are learned. Received: {plan.first_stage} epochs of the "
            f"first stage, {wrong}. Fix: {mend}."
        )


def _check_all_folds(plan: Plan) -> None:
    """Validates what the folds of a plan would find one by one."""
    data = plan.config.data
    wrong = None
    if plan.has_expert and plan.given_experts:
        wrong = "--expert, which knows images that some fold tests"
    elif data.labels_only or data.pseudo_labels is not None:
        wrong = "--labels-only or --pseudo-labels, which are of one split"
    elif data.unlabelled:
        wrong = "--unlabelled, which hides labels of one split"
    if wrong:
        raise ValueError(
            "In folds every image is tested, and at last all of them train. "
            f"Received: --folds {data.folds} and {wrong}. Fix: leave out one; "
            "--fold 0 is one split alone."
        )


def check_one_split(plan: Plan, what: str) -> None:
    """Rejects all folds together where one split is meant.

    Raises:
        ValueError: for a plan of all folds.
    """
    if plan.is_of_all_folds:
        raise ValueError(
            f"{what} goes by one split. Received: --folds "
            f"{plan.config.data.folds}. Fix: --fold 0 in addition."
        )


def check_rounds(plan: Plan) -> None:
    """Validates that a plan's student can be the expert of the next round.

    Raises:
        ValueError: where it cannot, or would teach nothing new.
    """
    check_one_split(plan, "What chooses among --rounds")
    data, method = plan.config.data, plan.method
    fix = "leave out one"
    if not method.needs_expert:
        wrong = f"method={method.name!r}, which learns from no expert"
        fix = "images without labels (--unlabelled-dir), or --method kd"
    elif method.staged:
        wrong = (
            f"method={method.name!r}, whose expert has stages, which a "
            "student's run does not keep"
        )
    elif plan.weights == "expert":
        wrong = (
            "--inherit expert, where a student would not begin anew but train "
            "longer"
        )
    elif data.labels_only:
        wrong = "--labels-only, which ends before a student is trained"
    elif data.pseudo_labels is not None and method.name == "pseudo_hard":
        wrong = (
            "--pseudo-labels, where method='pseudo_hard' learns the classes of "
            "the table, whatever the expert says"
        )
        fix = "--method unlabelled, or leave out one"
    else:
        return
    raise ValueError(
        "In --rounds the student of one is the expert of the next. Received: "
        f"--rounds and {wrong}. Fix: {fix}."
    )


def check_expert_views(plan: Plan) -> None:
    """Validates that what the expert says can be recorded.

    Raises:
        ValueError: if there is no expert that teaches, or a step sees other
            images than those that were recorded.
    """
    count, method = plan.config.networks.expert_views, plan.method
    if count is None:
        return
    augment = plan.augment
    wrong = None
    if not method.needs_expert:
        wrong = f"method={method.name!r}, which has no expert"
    elif method.staged or method.views != "one":
        wrong = f"method={method.name!r}, whose images are not single views"
    elif augment:
        wrong = f"augment={augment}, which changes images anew in every step"
    elif plan.config.data.dataset == "imagenet":
        wrong = "dataset='imagenet', whose images stay on disk"
    if wrong:
        raise ValueError(
            "`expert_views` records what an expert says of fixed views, for "
            f"kd, dkd and other methods of the logits. Received: "
            f"expert_views={count}, {wrong}. Fix: leave out one of them."
        )


def check_expert_files(plan: Plan) -> list[pathlib.Path]:
    """Files of the experts that are given, which must be there.

    Raises:
        ValueError: if one is not, or several cannot teach together.
    """
    paths = plan.given_experts
    for path in paths:
        if not path.is_file() or path.suffix != ".keras":
            raise ValueError(
                "`expert` must be a .keras file, or the folder of a finished "
                f"run. Received: {path}"
                f"{'' if path.is_file() else ', which is not there'}."
            )
    wrong = None
    if len(paths) == 1:
        return paths
    if plan.method.staged:
        wrong = f"{plan.method.name} learns from the stages of one"
    elif plan.weights == "expert":
        wrong = "--inherit expert takes the layers of one"
    elif plan.rotations > 1:
        wrong = "with --augment sla an expert also tells rotations apart"
    if wrong:
        raise ValueError(
            "Several experts teach by the mean of what they predict, classes "
            f"alone. Received: {len(paths)} experts, where {wrong}. Fix: one "
            "expert, or leave out the other."
        )
    return paths


def check_unlabelled(plan: Plan) -> None:
    """Validates the settings of pseudo-labels before the expert is trained.

    Raises:
        ValueError: if there is nothing to label, or no method learns it.
    """
    kind, data = plan.method.pseudo_labels, plan.config.data
    if kind is None:
        _check_no_pseudo_labels(plan)
        return
    if data.unlabelled or data.unlabelled_dir is not None:
        return
    # The other two are of use on labelled images alone.
    alone = kind in ("equation", "mixed")
    if not alone or data.labels_only or data.pseudo_labels is not None:
        raise ValueError(
            f"Method {plan.method.name!r} needs images without labels here. "
            "Received: none. Fix: --unlabelled-dir FOLDER, more images to "
            "learn from, or --unlabelled 0.8, to try it on that share of the "
            "training images, as if they had no labels."
        )


def _check_no_pseudo_labels(plan: Plan) -> None:
    data, name = plan.config.data, plan.method.name
    if data.labels_only:
        raise ValueError(
            "Only a method that learns pseudo-labels makes them: "
            "pseudo_hard, pseudo_soft, equation or mixed. Received: "
            f"--labels-only, method={name!r}."
        )
    if data.pseudo_labels is not None:
        raise ValueError(
            "Pseudo-labels are for a method that learns them: pseudo_hard, "
            "pseudo_soft, equation or mixed, alone or joined "
            f"(pseudo_soft+kd). Received: --pseudo-labels, method={name!r}."
        )
