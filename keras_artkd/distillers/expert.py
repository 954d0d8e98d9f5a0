"""What most methods are: one loss that an expert teaches with."""

from keras_artkd.distillers.distiller import Distiller


def taught_by_expert(
    student, expert_teacher, loss, weight, name, supervised_weight=1.0
):
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
