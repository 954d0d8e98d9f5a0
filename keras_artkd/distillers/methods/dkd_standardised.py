"""Decoupled knowledge distillation of standardised logits."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float, Space
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.schedules import LinearWarmup
from keras_artkd.losses import StandardisedDecoupledKD

SPACE: Space = {
    "temperature": Float(1.0, 8.0, sampling="log"),
    "alpha": Float(0.0, 36.0),
    "beta": Float(4.5, 144.0, sampling="log"),
}


@method(space=SPACE, epoch_options=("warmup",))
def dkd_standardised(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 2.0,
    alpha: float = 9.0,
    beta: float = 72.0,
    warmup: float = 20.0,
    name: str = "dkd_standardised",
) -> Distiller:
    """`dkd` of logits that are standardised over the classes first.

    As `kd_standardised`, for three classes or more.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T, the base temperature.
        alpha: float, weight of the target class's part: 9 times that of `dkd`.
        beta: float, weight of the other classes' part: 9 times that of `dkd`,
            which its authors choose for each pair of networks.
        warmup: see `dkd`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Sun et al., 2024, https://arxiv.org/abs/2403.01427; what the
    authors' code is said to set (see docs/later_methods.md).
    """
    loss = StandardisedDecoupledKD(temperature, alpha, beta)
    return taught_by_expert(
        student, expert_teacher, loss, LinearWarmup(1.0, warmup), name
    )
