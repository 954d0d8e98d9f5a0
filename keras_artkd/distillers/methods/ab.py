"""Activation boundaries: features first, then the labels alone."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import preactivation_pairs
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.schedules import Stages
from keras_artkd.losses import ActivationBoundary


@method(
    space={"beta": Float(0.0003, 0.03, sampling="log")},
    epoch_options=("first_stage",),
)
def ab(
    student: keras.Model,
    expert_teacher: keras.Model,
    beta: float = 0.003,
    margin: float = 1.0,
    first_stage: float = 30.0,
    name: str = "ab",
) -> Distiller:
    """`beta AB(expert, S)` in a first stage, then `L(y, S)`.

    In the first stage no label counts: the student's features and the
    connectors learn where the expert's neurons fire. Its epochs are the
    first of the training. In RepDistiller they come before the training.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        beta: float, weight of the loss, a sum over maps.
        margin: see `keras_artkd.losses.activation_boundary`.
        first_stage: float > 0, its epochs; meant for 240 in all (a shorter
            run shortens it).
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Heo et al., 2018, https://arxiv.org/abs/1811.03233; weight and
    stages of RepDistiller.
    """
    loss = ActivationBoundary(
        pairs=preactivation_pairs(expert_teacher, student), margin=margin
    )
    return taught_by_expert(
        student,
        expert_teacher,
        loss,
        Stages(beta, 0.0, first_stage),
        name,
        supervised_weight=Stages(0.0, 1.0, first_stage),
    )
