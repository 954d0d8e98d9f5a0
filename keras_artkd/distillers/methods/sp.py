"""Similarity-preserving distillation."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import SimilarityPreserving


@method(
    space={"beta": Float(100.0, 30_000.0, sampling="log")},
)
def sp(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 3000.0,
    name: str = "sp",
) -> Distiller:
    """`L(y, S) + beta SP(expert, S)` of the last groups.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight of the distance between the batch's similarities.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Tung and Mori, 2019, https://arxiv.org/abs/1907.09682; weight of
    RepDistiller and mdistiller.
    """
    loss = SimilarityPreserving(pair=group_pairs(expert_teacher, student)[-1])
    return taught_by_expert(student, expert_teacher, loss, beta, name)
