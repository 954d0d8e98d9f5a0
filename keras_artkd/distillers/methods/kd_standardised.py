"""Knowledge distillation of standardised logits."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float, Space
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import StandardisedKD

SPACE: Space = {
    "temperature": Float(1.0, 8.0, sampling="log"),
    "weight": Float(1.0, 18.0, sampling="log"),
}


@method(space=SPACE)
def kd_standardised(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 2.0,
    weight: float = 9.0,
    name: str = "kd_standardised",
) -> Distiller:
    """`L(y, S) + weight T^2 KL(Z(expert) || Z(S))`.

    Z are logits minus their mean, over their standard deviation, of each
    example: the student learns how they relate, and not how large they are.
    For three classes or more.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T, the base temperature; the authors take 2,
            and 3 for some pairs of networks.
        weight: float, of the divergence.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Sun et al., 2024, https://arxiv.org/abs/2403.01427; weights of
    the authors' code.
    """
    return taught_by_expert(
        student, expert_teacher, StandardisedKD(temperature), weight, name
    )
