"""Plain supervised training, on the same footing as every method."""

from keras_artkd.distillers.distiller import Distiller


def baseline(student, name="baseline"):
    """The student alone: `L(y, S)`.

    Args:
        student: the network to train.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.
    """
    return Distiller(student, name=name)
