"""Self-distillation from an aggregate over four rotations."""

import keras

from keras_artkd.catalogue.augmentations import ROTATIONS
from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.losses import RotationDistillation
from keras_artkd.models import with_exits


@method(
    space={"temperature": Float(1.0, 8.0, sampling="log")},
    views="rotations",
)
def sla_sd(
    student: keras.Model, temperature: float = 1.0, name: str = "sla_sd"
) -> Distiller:
    """A head of classes and rotations teaches the student's own head.

    The aggregate of its predictions for four rotations of an image teaches
    the student's prediction for the upright one, see
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
