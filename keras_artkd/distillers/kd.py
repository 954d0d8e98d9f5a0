"""Knowledge distillation from an expert's softened predictions."""

from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses import KD

KD_SPACE = {
    "temperature": Float(1.0, 16.0, sampling="log"),
    "alpha": Float(0.1, 1.0),
}


def kd(student, expert_teacher, temperature=4.0, alpha=0.9, name="kd"):
    """`(1 - alpha) L(y, S) + alpha T^2 KL(expert || S)`.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        alpha: float in [0, 1], share of the soft targets. 0.9 is the value
            of mdistiller and RepDistiller; thesis 000, eq 2.6, leaves it
            open.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Hinton, Vinyals, Dean, 2015, https://arxiv.org/abs/1503.02531.
    """
    return Distiller(
        student,
        teachers={"expert": expert_teacher},
        transfer_losses=[KD(temperature)],
        transfer_weights=[alpha],
        supervised_weight=1.0 - alpha,
        name=name,
    )
