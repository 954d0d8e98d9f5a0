"""FitNets: a hint from a hidden map of the expert."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import Hint


@method(
    space={"beta": Float(1.0, 1000.0, sampling="log")},
)
def fitnet(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 100.0,
    hint: int = 2,
    name: str = "fitnet",
) -> Distiller:
    """`L(y, S) + beta Hint(expert, S)`, in a single stage.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight of the hint.
        hint: int, the pair of groups to compare, counted from 1, the
            shallowest; the deepest where there are fewer.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Romero et al., 2014, https://arxiv.org/abs/1412.6550; weight,
    map and the single stage of RepDistiller and mdistiller.
    """
    if hint < 1:
        raise ValueError(
            "`hint` must be at least 1, the number of a pair of groups counted "
            f"from 1. Received: hint={hint!r}."
        )
    pairs = group_pairs(expert_teacher, student)
    pair = pairs[min(int(hint), len(pairs)) - 1]
    return taught_by_expert(
        student, expert_teacher, Hint(pairs=[pair]), beta, name
    )
