"""Pseudo-labels: the expert's likeliest class."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.target_learner import (
    THRESHOLD_SPACE,
    target_learner,
)


@method(space=THRESHOLD_SPACE, pseudo_labels="pseudo_hard")
def pseudo_hard(
    student: keras.Model,
    expert_teacher: keras.Model,
    threshold: float = 0.0,
    name: str = "pseudo_hard",
) -> Distiller:
    """Labels where there are any, otherwise the expert's likeliest class.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: float in [0, 1]; images of which the expert is less sure
            are left out.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Reference: tutorial 004, section 3.2; Lee, "Pseudo-Label", 2013.
    """
    return target_learner(student, expert_teacher, threshold, name)
