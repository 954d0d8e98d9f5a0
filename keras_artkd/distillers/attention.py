"""Attention transfer from an expert's feature maps."""

from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses import AttentionTransfer

# For the default norm, the squared mean; the other is far larger.
ATTENTION_SPACE = {"beta": Float(100.0, 10_000.0, sampling="log")}


def attention(
    student,
    expert_teacher,
    beta=1000.0,
    mapping="sum2",
    norm="mse",
    name="attention",
):
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
