"""FitNets: a hint from a hidden map of the expert."""

from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses import Hint

FITNET_SPACE = {"beta": Float(1.0, 1000.0, sampling="log")}


def fitnet(student, expert_teacher, beta=100.0, hint=2, name="fitnet"):
    """`L(y, S) + beta Hint(expert, S)`, in a single stage.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight of the hint.
        hint: int, which pair of groups is compared, counted from 1, the
            shallowest; the deepest where there are fewer.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Romero et al., 2014, https://arxiv.org/abs/1412.6550; weight,
    map and the single stage of RepDistiller and mdistiller.
    """
    if hint < 1:
        raise ValueError(
            f"`hint` counts pairs of groups from 1. Received: hint={hint!r}."
        )
    pairs = group_pairs(expert_teacher, student)
    pair = pairs[min(int(hint), len(pairs)) - 1]
    return taught_by_expert(
        student, expert_teacher, Hint(pairs=[pair]), beta, name
    )
