"""Several distillers as one."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_artkd.catalogue.methods import Method
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.schedules import Product, Stages, Weight
from keras_artkd.losses.base import TransferLoss


def make_combination(
    parts: tuple[Method, ...],
    student: keras.Model,
    expert_teacher: keras.Model | None = None,
    initial_teacher: keras.Model | None = None,
    name: str | None = None,
    **options: Any,
) -> Distiller:
    """Makes the distiller of joined methods.

    Args:
        parts: tuple of `Method`, at least two.
        student: the network to train.
        expert_teacher: a trained network, or None.
        initial_teacher: an untrained network, or None.
        name: of the distiller.
        **options: `<method>.<option>` -> value.

    Returns:
        An uncompiled `Distiller`.
    """
    made = {
        part.name: part.make(
            student,
            **part.networks(expert_teacher, initial_teacher),
            **part.options_of(part.name, options),
            name=part.name,
        )
        for part in parts
    }
    return combine(student, made, name)


def combine(
    student: keras.Model,
    distillers: Mapping[str, Distiller],
    name: str | None = None,
) -> Distiller:
    """Makes one `Distiller` from the terms of several.

    See `keras_artkd.catalogue.methods.combination`.

    Args:
        student: the network that all of them train.
        distillers: dict of method name -> uncompiled `Distiller`. Its student
            is this network, or, for one of them, this network with exits.
        name: of the result.

    Returns:
        An uncompiled `Distiller`.

    Raises:
        ValueError: if two gave the student exits.
    """
    with_heads = {
        method: distiller.student
        for method, distiller in distillers.items()
        if distiller.student is not student
    }
    if len(with_heads) > 1:
        raise ValueError(
            "A student can have the exits of one method. Received: "
            f"{', '.join(with_heads)}. Fix: leave one out."
        )
    stages = {
        method: distiller.supervised_weight
        for method, distiller in distillers.items()
        if isinstance(distiller.supervised_weight, Stages)
    }
    teachers: dict[str, keras.Model] = {}
    co_trained: dict[str, keras.Model] = {}
    losses: list[TransferLoss] = []
    weights: list[Weight] = []
    for method, distiller in distillers.items():
        teachers |= distiller.teachers
        co_trained |= distiller.co_trained
        others = [s for other, s in stages.items() if other != method]
        for loss, weight in zip(
            distiller.transfer_losses, distiller.transfer_weights, strict=True
        ):
            if loss.name in {known.name for known in losses}:
                loss = _renamed(loss, f"{method}_{loss.name}")
            losses.append(loss)
            weights.append(Product([weight, *others]) if others else weight)
    # Those of the one method that needs several.
    views, labelled_views = max(
        (distiller.views, distiller.labelled_views)
        for distiller in distillers.values()
    )
    return Distiller(
        next(iter(with_heads.values()), student),
        teachers=teachers,
        co_trained=co_trained,
        transfer_losses=losses,
        transfer_weights=weights,
        supervised_weight=Product(stages.values()) if stages else 1.0,
        views=views,
        labelled_views=labelled_views,
        soft_labels=any(d.soft_labels for d in distillers.values()),
        name=name,
    )


def _renamed(loss: TransferLoss, name: str) -> TransferLoss:
    return type(loss).from_config({**loss.get_config(), "name": name})
