"""Baselines that had what the methods had: augmentation, and arithmetic."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from keras_artkd import models
from keras_artkd.distillers import Distiller
from keras_artkd.distillers.methods.ms_mgans import MultiStageDistiller
from keras_artkd.distillers.phase_steps import FROZEN, PASSED, TRAINED
from keras_artkd.distillers.roles import STUDENT
from keras_artkd.distillers.validation import roles_of_gradients
from keras_artkd.measure.cost import count_multiply_adds
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.config import Config
from keras_artkd.runs.expert_config import EXPERT_METHOD
from keras_artkd.runs.networks import build_distiller, build_expert
from keras_artkd.runs.plan import MIXUP_ALPHA, Plan
from keras_artkd.runs.stages import count_stages
from keras_artkd.studies.study import Cell, Study

_Member = tuple[Cell, Plan]
# Names, and Mixup's alpha where it is among them.
_Augmentation = tuple[tuple[str, ...], float | None]
# What counts as equal arithmetic.
_NEAR = 1.05
# They change the head alone; an expert from a file has its own.
_CLASSES = 10
_VIEWS = {"one": 1, "two": 2, "class_pairs": 2, "rotations": 4}


def add_matched(
    study: Study, base: Config, method_options: Mapping[str, Any]
) -> Study:
    """The study with what its methods have to beat.

    For each network and augmentation that a method is measured with: the same
    network trained alone with that augmentation, if the study has none; and
    the network trained alone for as many epochs as make the arithmetic of the
    method, its expert's training and its exits included. Methods that differ by
    less than a twentieth share the baseline of the costliest of them.

    Args:
        study: `Study`.
        base: `Config`.
        method_options: see `Study.plan`.

    Returns:
        A `Study` with these cells, and with the pairs in `matched`.
    """
    seed, epochs_of_all = base.schedule.seed, base.schedule.epochs
    own: dict[RunFolder, Cell] = {}
    groups: dict[tuple[str, str, _Augmentation, bool], list[_Member]] = {}
    for cell in study.cells:
        plan = study.plan(cell, base, seed, method_options)
        own[plan.folder] = cell
        student = plan.config.networks.student
        key = (cell.group, student, _augmentation(plan), cell.aggregated)
        groups.setdefault(key, []).append((cell, plan))
    added: dict[str, Cell] = {}
    pairs: list[tuple[str, str]] = []
    for (group, student, augmentation, aggregated), members in groups.items():
        augment, alpha = augmentation
        label = " + ".join([student, *augment])
        if alpha not in (None, MIXUP_ALPHA):
            label += f" (alpha {alpha:g})"
        label = f"{group}: {label} alone" if group else f"{label} alone"
        changes: dict[str, Any] = {
            "method": EXPERT_METHOD,
            "student": student,
            "head": "pool",
        }
        if augment:
            changes["augment"] = augment
        if alpha is not None:
            changes["mixup_alpha"] = alpha
        # Measured as the methods are.
        alone = baseline = Cell(
            label, changes, group=group, added=True, aggregated=aggregated
        )
        plain = study.plan(alone, base, seed)
        alone = own.get(plain.folder, alone)
        methods = [member for member in members if member[0] != alone]
        if not methods:
            continue
        added[alone.name] = alone
        pairs += [(cell.name, alone.name) for cell, _ in methods]
        cost = training_cost(plain)
        epochs = {
            cell.name: round(epochs_of_all * training_cost(plan) / cost)
            for cell, plan in methods
        }
        for count, names in _shared(epochs, epochs_of_all).items():
            longer = f"{label}, {count} epochs"
            added[longer] = dataclasses.replace(
                baseline, name=longer, changes={**changes, "epochs": count}
            )
            pairs.append((longer, alone.name))
            pairs += [(name, longer) for name in names]
    return dataclasses.replace(
        study,
        cells=(*study.cells, *(c for c in added.values() if c.added)),
        matched=tuple(pairs),
    )


def _augmentation(plan: Plan) -> _Augmentation:
    """The augmentation of images, by the recipe or by the method itself."""
    augment = plan.augment
    alpha = plan.mixup_alpha if "mixup" in augment else None
    if plan.method.views == "rotations":
        augment = (*augment, "sla")
    return augment, alpha


def _shared(epochs: Mapping[str, int], least: int) -> dict[int, list[str]]:
    """The methods that can share a number of epochs: number -> names.

    Args:
        epochs: dict of name -> number that is needed.
        least: int; who needs hardly more has no entry.
    """
    shared: dict[int, list[str]] = {}
    most: int | None = None
    for name, count in sorted(epochs.items(), key=lambda item: -item[1]):
        if count <= _NEAR * least:
            break
        if most is None or most > _NEAR * count:
            most = count
        shared.setdefault(most, []).append(name)
    return shared


def training_cost(plan: Plan) -> int:
    """Multiply-adds that a training takes for each image of an epoch's data.

    A network that is trained counts three times its forward pass, one that
    only passes a gradient on twice, one that only teaches once; a student of
    gradients at the input, whose own gradient is differentiated, six times.
    The expert's own training is spread over the student's epochs; that of an
    expert from a file, which nobody knows, is left out. A teacher whose terms
    all weigh nothing is not counted: nobody would have it.

    Args:
        plan: `Plan`.

    Returns:
        int.
    """
    expert, classes = None, _CLASSES
    if plan.has_expert:
        expert = build_expert(plan, _CLASSES)
        classes = expert.output_shape[-1]
    distiller = build_distiller(plan, classes, expert)
    idle = _idle_teachers(distiller)
    views = _VIEWS[plan.method.views] * plan.rotations
    if isinstance(distiller, MultiStageDistiller):
        cost = views * _cost_of_phases(distiller, plan)
    else:
        differentiated = roles_of_gradients(distiller.transfer_losses)
        own = TRAINED * (2 if STUDENT in differentiated else 1)
        cost = own * views * _multiply_adds(distiller.student)
        for teacher in distiller.co_trained.values():
            cost += TRAINED * views * count_multiply_adds(teacher)
        for role, teacher in distiller.teachers.items():
            if role not in idle:
                times = PASSED if role in differentiated else FROZEN
                cost += times * views * count_multiply_adds(teacher)
    if plan.expert and not idle:
        one = TRAINED * plan.expert.rotations * count_multiply_adds(expert)
        epochs = plan.expert.config.schedule.epochs
        cost += one * epochs // plan.config.schedule.epochs
    keras.utils.clear_session(free_memory=False)
    return cost


def _cost_of_phases(distiller: MultiStageDistiller, plan: Plan) -> int:
    """The mean over the epochs of a training in phases.

    What lies between the networks, adapters and scores, is left out.
    """
    epochs, total = plan.config.schedule.epochs, 0
    for phase in distiller.plan(epochs, count_stages(plan)):
        step = distiller.steps[phase.kind, phase.block]
        passes = step.passes
        if step.reads_teacher:
            passes = [*passes, (distiller.teacher, FROZEN)]
        total += phase.epochs * sum(
            times * count_multiply_adds(network) for network, times in passes
        )
    return total // epochs


def _idle_teachers(distiller: Distiller) -> set[str]:
    """Roles of the teachers that only terms of no weight read."""
    weights: dict[str, list[Any]] = {}
    for loss, weight in zip(
        distiller.transfer_losses, distiller.transfer_weights, strict=True
    ):
        weights.setdefault(loss.teacher, []).append(weight)
    return {
        role
        for role in distiller.teachers
        if role in weights and not any(weights[role])
    }


def _multiply_adds(student: keras.Model) -> int:
    """Of the network and of what is there for its training alone."""
    whole = keras.Model(
        student.inputs, [*models.get_endpoints(student).values()]
    )
    return count_multiply_adds(whole)
