"""Decoupled knowledge distillation of reconstructed logits."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.methods.dkd import SPACE
from keras_artkd.distillers.schedules import LinearWarmup
from keras_artkd.losses import PerceptionDecoupledKD


@method(space=SPACE, epoch_options=("warmup",))
def pr_dkd(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 4.0,
    alpha: float = 1.0,
    beta: float = 8.0,
    warmup: float = 20.0,
    epsilon: float = 1e-5,
    synchronized: bool = False,
    name: str = "pr_dkd",
) -> Distiller:
    """`dkd` of logits that are standardised over the batch first.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        alpha: float, weight of the target class's part.
        beta: float, weight of the other classes' part.
        warmup: see `dkd`, whose warm-up and temperature are kept; the paper
            gives neither.
        epsilon: see `keras_artkd.losses.perception`.
        synchronized: see `keras_artkd.losses.perception`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: paper 001, eqs 5 to 13, alpha and beta of section 3.
    """
    loss = PerceptionDecoupledKD(
        temperature, alpha, beta, epsilon, bool(synchronized)
    )
    return taught_by_expert(
        student, expert_teacher, loss, LinearWarmup(1.0, warmup), name
    )
