"""Probabilistic knowledge transfer."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import ProbabilisticTransfer


@method(
    space={"beta": Float(1000.0, 300_000.0, sampling="log")},
)
def pkt(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 30_000.0,
    name: str = "pkt",
) -> Distiller:
    """`L(y, S) + beta PKT(expert, S)` of the pooled features.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight; large, as the divergence is a mean over pairs.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Passalis and Tefas, 2018, https://arxiv.org/abs/1803.10837;
    weight of RepDistiller and mdistiller.
    """
    return taught_by_expert(
        student, expert_teacher, ProbabilisticTransfer(), beta, name
    )
