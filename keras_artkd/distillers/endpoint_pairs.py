"""Pairs of feature maps of two networks, to be compared by losses."""

from typing import TypeAlias

import keras

from keras_artkd.losses.base import Endpoints
from keras_artkd.models.endpoints import get_endpoints, group_names

Pair: TypeAlias = tuple[str, str]
"""The names of a teacher's and a student's endpoint."""


def group_pairs(teacher: keras.Model, student: keras.Model) -> tuple[Pair, ...]:
    """Pairs of the networks' `group<i>` endpoints, shallow to deep.

    The deepest maps of both belong together. Where one network has more
    groups than the other, its shallowest are left over.

    Args:
        teacher: a network with endpoints.
        student: a network with endpoints.

    Returns:
        tuple of `(teacher endpoint, student endpoint)` names, at least one.

    Raises:
        ValueError: if a network has no such endpoint.
    """
    taught, learnt = _groups(teacher), _groups(student)
    count = min(len(taught), len(learnt))
    return tuple(zip(taught[-count:], learnt[-count:], strict=True))


def preactivation_pairs(
    teacher: keras.Model, student: keras.Model
) -> tuple[Pair, ...]:
    """`group_pairs` of maps before their ReLU.

    A group has such an endpoint, `preactivation<i>`, where the network has
    named it; otherwise its `group<i>` is taken.
    """
    taught, learnt = get_endpoints(teacher), get_endpoints(student)
    return tuple(
        (_preactivation(first, taught), _preactivation(second, learnt))
        for first, second in group_pairs(teacher, student)
    )


def _groups(network: keras.Model) -> list[str]:
    names = group_names(network)
    if not names:
        raise ValueError(
            "The method compares feature maps, endpoints named group1, "
            f"group2, ... Received: {network.name!r} with "
            f"{', '.join(get_endpoints(network))}. Fix: name its layers with "
            "keras_artkd.models.with_endpoints."
        )
    return names


def _preactivation(group: str, endpoints: Endpoints) -> str:
    name = group.replace("group", "preactivation")
    return name if name in endpoints else group
