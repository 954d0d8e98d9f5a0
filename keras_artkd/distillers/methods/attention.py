"""Attention transfer from an expert's feature maps."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import AttentionTransfer


@method(
    # For the default norm, the squared mean; the other norm is far larger.
    space={"beta": Float(100.0, 10_000.0, sampling="log")},
)
def attention(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 1000.0,
    mapping: str = "sum2",
    norm: str = "mse",
    name: str = "attention",
) -> Distiller:
    """`L(y, S) + beta AT(expert, S)` over the groups.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight; 1000 goes with the squared mean.
        mapping: see `keras_artkd.losses.attention_map`.
        norm: see `keras_artkd.losses.attention_transfer`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Zagoruyko and Komodakis, 2017,
    https://arxiv.org/abs/1612.03928, weights of the authors' code.
    """
    loss = AttentionTransfer(
        pairs=group_pairs(expert_teacher, student), mapping=mapping, norm=norm
    )
    return taught_by_expert(student, expert_teacher, loss, beta, name)
