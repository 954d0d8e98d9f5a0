"""Knowledge distillation of softened logits."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float, Space
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.validation import check_share
from keras_artkd.losses import KD

SPACE: Space = {
    "temperature": Float(1.0, 16.0, sampling="log"),
    "alpha": Float(0.1, 1.0),
}


@method(space=SPACE)
def kd(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 4.0,
    alpha: float = 0.9,
    name: str = "kd",
) -> Distiller:
    """`(1 - alpha) L(y, S) + alpha T^2 KL(expert || S)`.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        alpha: float in [0, 1], share of the soft targets. 0.9 is the value
            of mdistiller and RepDistiller; thesis 000, eq 2.6, leaves it
            open.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Hinton, Vinyals, Dean, 2015, https://arxiv.org/abs/1503.02531.
    """
    check_share(alpha)
    return taught_by_expert(
        student,
        expert_teacher,
        KD(temperature),
        alpha,
        name,
        supervised_weight=1.0 - alpha,
    )
