"""Knowledge review: many levels of the expert teach each of the student's."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import (
    group_pairs,
    preactivation_pairs,
)
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.schedules import LinearWarmup
from keras_artkd.losses import ReviewKD


@method(
    space={"beta": Float(0.1, 10.0, sampling="log")},
    epoch_options=("warmup",),
)
def reviewkd(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 1.0,
    warmup: float = 20.0,
    name: str = "reviewkd",
) -> Distiller:
    """`L(y, S) + min(epoch / warmup, 1) beta ReviewKD(expert, S)`.

    The expert's maps are taken before their ReLU, the student's after it.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight; mdistiller has 5 for ResNet32x4 to ResNet8x4.
        warmup: float > 0, epochs in which the weight grows to `beta`;
            meant for 240 (a shorter run shortens it).
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Chen et al., 2021, https://arxiv.org/abs/2104.09044; weight and
    warm-up of mdistiller.
    """
    taught = preactivation_pairs(expert_teacher, student)
    learnt = group_pairs(expert_teacher, student)
    pairs = [(t, s) for (t, _), (_, s) in zip(taught, learnt, strict=True)]
    return taught_by_expert(
        student,
        expert_teacher,
        ReviewKD(pairs=pairs),
        LinearWarmup(beta, warmup),
        name,
    )
