"""Plain supervised training, on the same footing as every method."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.distillers.distiller import Distiller


@method()
def baseline(student: keras.Model, name: str = "baseline") -> Distiller:
    """The student alone: `L(y, S)`.

    Args:
        student: the network to train.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.
    """
    return Distiller(student, name=name)
