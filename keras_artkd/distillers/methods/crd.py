"""Contrastive representation distillation."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import ContrastiveRepresentation


@method(
    space={
        "beta": Float(0.1, 3.0, sampling="log"),
        "temperature": Float(0.03, 0.3, sampling="log"),
    },
)
def crd(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 0.8,
    temperature: float = 0.07,
    embedding_dim: int = 128,
    num_negatives: int = 16384,
    name: str = "crd",
) -> Distiller:
    """`L(y, S) + beta CRD(expert, S)` of the pooled features.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight.
        temperature: float > 0, of the scores.
        embedding_dim: int, of the projections.
        num_negatives: int, length of the memory.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Tian et al., 2019, https://arxiv.org/abs/1910.10699; settings
    of the authors' code. The memory is a queue, see
    `keras_artkd.losses.ContrastiveRepresentation`.
    """
    for option, value in (
        ("embedding_dim", embedding_dim),
        ("num_negatives", num_negatives),
    ):
        if value != int(value):
            raise ValueError(
                f"`{option}` must be a whole number. "
                f"Received: {option}={value!r}."
            )
    loss = ContrastiveRepresentation(
        int(embedding_dim), int(num_negatives), temperature
    )
    return taught_by_expert(student, expert_teacher, loss, beta, name)
