"""Overhaul of feature distillation."""

import keras

from keras_artkd.distillers.endpoint_pairs import preactivation_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses import Overhaul, batch_norm_margins
from keras_artkd.models.endpoints import get_endpoints

OFD_SPACE = {"beta": Float(1e-4, 1e-2, sampling="log")}
MARGINS = ("batch_norm", "estimated")


def ofd(student, expert_teacher, beta=1e-3, margins="batch_norm", name="ofd"):
    """`L(y, S) + beta OFD(expert, S)` of the groups before their ReLU.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight of the loss, a sum over maps.
        margins: `"batch_norm"` computes them from the expert's batch
            normalisation before each ReLU, as the authors do, and estimates
            them all where an expert has none there, or two (a sum of both);
            `"estimated"` takes the mean of its negative responses while
            training.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Heo et al., 2019, https://arxiv.org/abs/1904.01866; weight of
    mdistiller.
    """
    if margins not in MARGINS:
        raise ValueError(
            f"`margins` must be one of {', '.join(MARGINS)}. "
            f"Received: margins={margins!r}."
        )
    pairs = preactivation_pairs(expert_teacher, student)
    values = None
    if margins == "batch_norm":
        values = _batch_norm_margins(expert_teacher, [t for t, _ in pairs])
    loss = Overhaul(pairs=pairs, margins=values)
    return taught_by_expert(student, expert_teacher, loss, beta, name)


def _batch_norm_margins(expert, names):
    """Margins of some endpoints; None unless all come from normalisation."""
    endpoints = get_endpoints(expert)
    layers = [_batch_norm_before(endpoints[name]) for name in names]
    if None in layers:
        return None
    return [
        batch_norm_margins(
            *map(keras.ops.convert_to_numpy, (layer.gamma, layer.beta))
        )
        for layer in layers
    ]


def _batch_norm_before(tensor):
    """The one layer that gives a tensor, or a branch of a sum; else None."""
    operation = tensor._keras_history.operation
    branches = [operation]
    if isinstance(operation, keras.layers.Add):
        branches = [
            branch._keras_history.operation for branch in operation.input
        ]
    found = [
        branch
        for branch in branches
        if isinstance(branch, keras.layers.BatchNormalization)
        and branch.center
        and branch.scale
    ]
    return found[0] if len(found) == 1 else None
