"""Gradient attention transfer from an expert."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import GradientAttention


@method(space={"beta": Float(0.01, 10.0, sampling="log")})
def gradient_attention(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 1.0,
    norm: str = "l2",
    name: str = "gradient_attention",
) -> Distiller:
    """`L(y, S) + beta / 2 ||dL(y, S)/dx - dL(y, expert)/dx||`, x the image.

    A step costs the student about twice its arithmetic.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight; ours, as the paper gives none.
        norm: see `keras_artkd.losses.gradient_attention`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Zagoruyko and Komodakis, 2017,
    https://arxiv.org/abs/1612.03928, section 3.2, equations 3 to 5.
    """
    return taught_by_expert(
        student, expert_teacher, GradientAttention(norm), beta, name
    )
