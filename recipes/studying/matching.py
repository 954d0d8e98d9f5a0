"""Baselines that had what the methods had: augmentation, and arithmetic."""

import dataclasses

import keras

from keras_artkd import models
from keras_artkd.cost import count_multiply_adds
from keras_artkd.distillers.registry import get_method
from recipes.config import EXPERT_METHOD
from recipes.networks import build_distiller, build_expert
from recipes.studying.study import Cell

# Forward and backward against forward alone.
_TRAINED, _FROZEN = 3, 1
# What counts as equal arithmetic.
_NEAR = 1.05
# They change the head alone; an expert from a file has its own.
_CLASSES = 10
_VIEWS = {"one": 1, "two": 2, "class_pairs": 2, "rotations": 4}


def add_matched(study, base, method_options):
    """The study with what its methods have to beat.

    For each network and augmentation that a method is measured with: the same
    network trained alone with that augmentation, if the study has none; and
    the network trained alone for as many epochs as make the arithmetic of the
    method, its expert's training and its exits included. Methods that differ by
    less than a twentieth share the baseline of the costliest of them.

    Args:
        study: `Study`.
        base: `Config`.
        method_options: see `Study.config`.

    Returns:
        A `Study` with these cells, and with the pairs in `matched`.
    """
    own, groups = {}, {}
    for cell in study.cells:
        config = study.config(cell, base, base.seed, method_options)
        own[config.run_dir] = cell
        key = (cell.group, config.student, _augmentation(config))
        groups.setdefault(key, []).append((cell, config))
    added, pairs = {}, []
    for (group, student, augment), members in groups.items():
        label = " + ".join([student, *augment])
        label = f"{group}: {label} alone" if group else f"{label} alone"
        changes = {"method": EXPERT_METHOD, "student": student, "head": "pool"}
        if augment:
            changes["augment"] = augment
        alone = Cell(label, changes, group=group, added=True)
        plain = study.config(alone, base, base.seed)
        alone = own.get(plain.run_dir, alone)
        methods = [member for member in members if member[0] != alone]
        if not methods:
            continue
        added[alone.name] = alone
        pairs += [(cell.name, alone.name) for cell, _ in methods]
        cost = training_cost(plain)
        epochs = {
            cell.name: round(base.epochs * training_cost(config) / cost)
            for cell, config in methods
        }
        for count, names in _shared(epochs, base.epochs).items():
            longer = f"{label}, {count} epochs"
            longer_changes = {**changes, "epochs": count}
            added[longer] = Cell(
                longer, longer_changes, group=group, added=True
            )
            pairs.append((longer, alone.name))
            pairs += [(name, longer) for name in names]
    return dataclasses.replace(
        study,
        cells=(*study.cells, *(c for c in added.values() if c.added)),
        matched=tuple(pairs),
    )


def _augmentation(config):
    """What images go through, by the recipe or by the method itself."""
    if get_method(config.method).views == "rotations":
        return (*config.augment, "sla")
    return config.augment


def _shared(epochs, least):
    """Who can do with the same epochs: dict of number -> names.

    Args:
        epochs: dict of name -> number that is needed.
        least: int; who needs hardly more has no entry.
    """
    shared, most = {}, None
    for name, count in sorted(epochs.items(), key=lambda item: -item[1]):
        if count <= _NEAR * least:
            break
        if most is None or most > _NEAR * count:
            most = count
        shared.setdefault(most, []).append(name)
    return shared


def training_cost(config):
    """Multiply-adds that a training takes for each image of an epoch's data.

    A network that is trained counts three times its forward pass, one that
    only teaches once. The expert's own training is spread over the student's
    epochs; that of an expert from a file, which nobody knows, is left out. A
    teacher whose terms all weigh nothing is not counted: nobody would have it.

    Args:
        config: `Config`.

    Returns:
        int.
    """
    expert, classes = None, _CLASSES
    if get_method(config.method).needs_expert:
        expert = build_expert(config, _CLASSES)
        classes = expert.output_shape[-1]
    distiller = build_distiller(config, classes, expert)
    idle = _idle_teachers(distiller)
    views = _VIEWS[get_method(config.method).views] * config.rotations
    cost = _TRAINED * views * _multiply_adds(distiller.student)
    for teacher in distiller.co_trained.values():
        cost += _TRAINED * views * count_multiply_adds(teacher)
    for role, teacher in distiller.teachers.items():
        if role not in idle:
            cost += _FROZEN * views * count_multiply_adds(teacher)
    if config.trains_expert and not idle:
        trained = config.expert_config()
        one = _TRAINED * trained.rotations * count_multiply_adds(expert)
        cost += one * trained.epochs // config.epochs
    keras.utils.clear_session(free_memory=False)
    return cost


def _idle_teachers(distiller):
    """Roles of the teachers that only terms of no weight read."""
    weights = {}
    for loss, weight in zip(
        distiller.transfer_losses, distiller.transfer_weights, strict=True
    ):
        weights.setdefault(loss.teacher, []).append(weight)
    return {
        role
        for role in distiller.teachers
        if role in weights and not any(weights[role])
    }


def _multiply_adds(student):
    """Of the network and of what is there for its training alone."""
    whole = keras.Model(
        student.inputs, [*models.get_endpoints(student).values()]
    )
    return count_multiply_adds(whole)
