"""Overhaul of feature distillation."""

from collections.abc import Iterable

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import preactivation_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import Overhaul, batch_norm_margins
from keras_artkd.losses.ops import check_choice
from keras_artkd.models.endpoints import get_endpoints

MARGINS = ("batch_norm", "estimated")


@method(
    space={"beta": Float(1e-4, 1e-2, sampling="log")},
)
def ofd(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 1e-3,
    margins: str = "batch_norm",
    name: str = "ofd",
) -> Distiller:
    """`L(y, S) + beta OFD(expert, S)` of the groups before their ReLU.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight of the loss, a sum over maps.
        margins: `"batch_norm"` computes them from the expert's batch
            normalisation before each ReLU, as the authors do. Where an expert
            has none there, or two (a sum of both), it estimates them all.
            `"estimated"` takes the mean of its negative responses while
            training.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Heo et al., 2019, https://arxiv.org/abs/1904.01866; weight of
    mdistiller.
    """
    check_choice("margins", margins, MARGINS)
    pairs = preactivation_pairs(expert_teacher, student)
    values = None
    if margins == "batch_norm":
        values = _batch_norm_margins(expert_teacher, [t for t, _ in pairs])
    loss = Overhaul(pairs=pairs, margins=values)
    return taught_by_expert(student, expert_teacher, loss, beta, name)


def _batch_norm_margins(
    expert: keras.Model, names: Iterable[str]
) -> list[tuple[float, ...]] | None:
    """Margins of endpoints; None unless all come from normalisation."""
    endpoints = get_endpoints(expert)
    margins = []
    for name in names:
        layer = _batch_norm_before(endpoints[name])
        if layer is None:
            return None
        values = map(keras.ops.convert_to_numpy, (layer.gamma, layer.beta))
        margins.append(batch_norm_margins(*values))
    return margins


def _batch_norm_before(
    tensor: keras.KerasTensor,
) -> keras.layers.BatchNormalization | None:
    """The one layer that gives a tensor or a branch of a sum, or None."""
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
