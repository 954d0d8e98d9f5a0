"""Logits of an expert, learned by their squared distance."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import LogitsL2


@method(
    space={"alpha": Float(0.0, 3.0)},
)
def logits_l2(
    student: keras.Model,
    expert_teacher: keras.Model,
    alpha: float = 1.5,
    reduction: str = "mean",
    name: str = "logits_l2",
) -> Distiller:
    """`L(y, S) + alpha L2(expert, S)`, of the logits.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        alpha: float, weight; 1.5 is that of the same term in thesis 000.
        reduction: over the classes, see `keras_artkd.losses.logits_l2`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Ba and Caruana, "Do Deep Nets Really Need to be Deep?", 2014,
    https://arxiv.org/abs/1312.6184; thesis 000, eqs 3.12 and 3.15, of the
    expert alone.
    """
    return taught_by_expert(
        student, expert_teacher, LogitsL2(reduction), alpha, name
    )
