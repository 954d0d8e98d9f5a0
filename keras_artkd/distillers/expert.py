"""The distiller of most methods: one loss, by which an expert teaches."""

import keras

from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.schedules import Weight
from keras_artkd.losses.base import TransferLoss


def taught_by_expert(
    student: keras.Model,
    expert_teacher: keras.Model,
    loss: TransferLoss,
    weight: Weight,
    name: str,
    supervised_weight: Weight = 1.0,
) -> Distiller:
    """`supervised_weight L(y, S) + weight loss(expert, S)`.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        loss: `TransferLoss` that reads the role `"expert"`.
        weight: a number, or a schedule.
        name: of the distiller.
        supervised_weight: a number, or a schedule.

    Returns:
        An uncompiled `Distiller`.
    """
    return Distiller(
        student,
        teachers={"expert": expert_teacher},
        transfer_losses=[loss],
        transfer_weights=[weight],
        supervised_weight=supervised_weight,
        name=name,
    )
