"""Self-distillation from an aggregate over four rotations."""

from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses import RotationDistillation
from keras_artkd.models import with_exits
from keras_artkd.models.exit_heads import ROTATIONS

SLA_SD_SPACE = {"temperature": Float(1.0, 8.0, sampling="log")}


def sla_sd(student, temperature=1.0, name="sla_sd"):
    """A head that knows class and rotation teaches the student's own.

    The aggregate of that head's predictions for four rotations of an image
    teaches the student's for the upright one, see
    `keras_artkd.losses.sla_sd`.

    Args:
        student: the network to train; gets the head of kind `"sla"`.
        temperature: float > 0, T.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches with `views="rotations"`.

    Reference: Lee, Hwang, Shin, 2020, https://arxiv.org/abs/1910.05872,
    "SLA+SD".
    """
    return Distiller(
        with_exits(student, "sla"),
        transfer_losses=[RotationDistillation(temperature)],
        views=ROTATIONS,
        labelled_views=1,
        name=name,
    )
