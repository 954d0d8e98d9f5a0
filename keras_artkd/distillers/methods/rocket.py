"""Rocket Launching: a light net and its booster trained together."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.losses import LogitsL2


@method(
    space={"gamma": Float(0.001, 1.0, sampling="log")},
)
def rocket(
    student: keras.Model,
    initial_teacher: keras.Model,
    gamma: float = 0.03,
    name: str = "rocket",
) -> Distiller:
    """`L(y, S) + L(y, T1) + gamma sum_c (z_T1 - z_S)^2`.

    The booster T1 gets no gradient from the hint (the paper's gradient
    block). The networks share no parameters, so that the student can stand
    alone.

    Args:
        student: the light net.
        initial_teacher: the booster, random weights, trained along.
        gamma: float, weight of the hint; 0.03 as in the authors' code.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Zhou et al., 2018, https://arxiv.org/abs/1708.04106.
    """
    return Distiller(
        student,
        co_trained={"initial": initial_teacher},
        transfer_losses=[LogitsL2("sum", teacher="initial", name="hint")],
        transfer_weights=[gamma],
        name=name,
    )
