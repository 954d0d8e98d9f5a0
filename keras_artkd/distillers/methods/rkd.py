"""Relational distillation: distances and angles between examples."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import RelationalKD


@method(
    space={"beta": Float(0.1, 10.0, sampling="log")},
)
def rkd(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 1.0,
    distance_weight: float = 25.0,
    angle_weight: float = 50.0,
    name: str = "rkd",
) -> Distiller:
    """`L(y, S) + beta (25 distance + 50 angle)` of the pooled features.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight of the two together.
        distance_weight: float, of the distances.
        angle_weight: float, of the angles.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Park et al., 2019, https://arxiv.org/abs/1904.05068; weights of
    RepDistiller and mdistiller.
    """
    loss = RelationalKD(distance_weight, angle_weight)
    return taught_by_expert(student, expert_teacher, loss, beta, name)
