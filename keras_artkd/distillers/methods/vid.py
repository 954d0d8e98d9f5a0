"""Variational information distillation."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import VariationalInformation


@method(
    space={"beta": Float(0.1, 10.0, sampling="log")},
)
def vid(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 1.0,
    initial_variance: float = 5.0,
    name: str = "vid",
) -> Distiller:
    """`L(y, S) + beta VID(expert, S)` over the groups.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight of the negative log-likelihood.
        initial_variance: float > 0, of the predictions, trained from there.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Ahn et al., 2019, https://arxiv.org/abs/1904.05835; weight of
    RepDistiller and mdistiller.
    """
    loss = VariationalInformation(
        pairs=group_pairs(expert_teacher, student),
        initial_variance=initial_variance,
    )
    return taught_by_expert(student, expert_teacher, loss, beta, name)
