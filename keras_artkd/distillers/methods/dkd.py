"""Decoupled knowledge distillation of logits."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float, Space
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.schedules import LinearWarmup
from keras_artkd.losses import DecoupledKD

SPACE: Space = {
    "temperature": Float(1.0, 16.0, sampling="log"),
    "alpha": Float(0.0, 4.0),
    "beta": Float(0.5, 16.0, sampling="log"),
}


@method(space=SPACE, epoch_options=("warmup",))
def dkd(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 4.0,
    alpha: float = 1.0,
    beta: float = 8.0,
    warmup: float = 20.0,
    name: str = "dkd",
) -> Distiller:
    """`L(y, S) + min(epoch / warmup, 1) T^2 (alpha TCKD + beta NCKD)`.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        alpha: float, weight of the target class's part.
        beta: float, weight of the other classes' part; the authors choose it
            for each pair of networks, 2 to 8.
        warmup: float > 0, epochs in which the weight grows to its full value;
            meant for 240 (a shorter run shortens it).
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Zhao et al., 2022, https://arxiv.org/abs/2203.08679, settings of
    mdistiller, the authors' code.
    """
    loss = DecoupledKD(temperature, alpha, beta)
    return taught_by_expert(
        student, expert_teacher, loss, LinearWarmup(1.0, warmup), name
    )
