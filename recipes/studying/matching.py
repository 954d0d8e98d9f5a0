"""Baselines that had what the methods had: augmentation, and arithmetic."""

import dataclasses
import functools

import keras

from keras_artkd import models
from keras_artkd.cost import count_multiply_adds
from keras_artkd.distillers.registry import get_method
from recipes.networks import build_distiller, build_expert
from recipes.studying.study import Cell

# Forward and backward against forward alone.
_TRAINED, _FROZEN = 3, 1
# They change the head alone; an expert from a file has its own.
_CLASSES = 10
_VIEWS = {"one": 1, "two": 2, "class_pairs": 2, "rotations": 4}


def add_matched(study, base, method_options):
    """The study with baselines matched to its methods.

    For each network and augmentation that a method was measured with: the
    same network trained alone with that augmentation, if the study has none;
    and the network trained alone for as many epochs as make the arithmetic of
    the costliest of these methods, its expert's training and its exits
    included. Either is compared with that method.

    Args:
        study: `Study`.
        base: `Config`.
        method_options: see `Study.config`.

    Returns:
        A `Study`.
    """
    groups = {}
    for cell in study.cells:
        config = study.config(cell, base, base.seed, method_options)
        key = (config.student, config.augment, cell.group)
        groups.setdefault(key, []).append((cell, config))
    cells = []
    for (student, augment, group), members in groups.items():
        methods = [c for _, c in members if c.method != "baseline"]
        if not methods:
            continue
        costly, cost = _costliest(members)
        changes = {"method": "baseline", "student": student, "head": "pool"}
        if augment:
            changes["augment"] = augment
        added = functools.partial(
            Cell, group=group, against=costly.name, matched=True
        )
        label = " + ".join([student, *augment])
        label = f"{group}: {label} alone" if group else f"{label} alone"
        plain = dataclasses.replace(methods[0], **changes, options={})
        have = {c.run_dir for _, c in members}
        if plain.run_dir not in have:
            cells.append(added(label, changes))
        epochs = round(base.epochs * cost / training_cost(plain))
        if epochs == base.epochs:
            continue
        cells.append(
            added(
                f"{label}, as much arithmetic as {costly.name}",
                {**changes, "epochs": epochs},
            )
        )
    return dataclasses.replace(study, cells=(*study.cells, *cells))


def _costliest(members):
    """The method with most arithmetic, of equals the paper's best; and it."""
    costs = [
        (training_cost(config), max(cell.published.values(), default=0.0), cell)
        for cell, config in members
        if config.method != "baseline"
    ]
    cost, _, cell = max(costs, key=lambda entry: entry[:2])
    return cell, cost


def training_cost(config):
    """Multiply-adds that a training takes for each image of an epoch's data.

    A network that is trained counts three times its forward pass, one that
    only teaches once. The expert's own training is spread over the student's
    epochs; that of an expert from a file, which nobody knows, is left out.

    Args:
        config: `Config`.

    Returns:
        int.
    """
    expert, classes, cost = None, _CLASSES, 0
    if get_method(config.method).needs_expert:
        expert = build_expert(config, _CLASSES)
        classes = expert.output_shape[-1]
    if config.trains_expert:
        trained = config.expert_config()
        one = _TRAINED * trained.rotations * count_multiply_adds(expert)
        cost += one * trained.epochs // config.epochs
    distiller = build_distiller(config, classes, expert)
    views = _VIEWS[get_method(config.method).views] * config.rotations
    cost += _TRAINED * views * _multiply_adds(distiller.student)
    for teacher in distiller.co_trained.values():
        cost += _TRAINED * views * count_multiply_adds(teacher)
    for teacher in distiller.teachers.values():
        cost += _FROZEN * views * count_multiply_adds(teacher)
    keras.utils.clear_session(free_memory=False)
    return cost


def _multiply_adds(student):
    """Of the network and of what is there for its training alone."""
    whole = keras.Model(
        student.inputs, [*models.get_endpoints(student).values()]
    )
    return count_multiply_adds(whole)
