"""Soft pseudo-labels: the expert's softmax."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.target_learner import SOFT_SPACE, target_learner


@method(space=SOFT_SPACE, pseudo_labels="pseudo_soft")
def pseudo_soft(
    student: keras.Model,
    expert_teacher: keras.Model,
    threshold: float = 0.0,
    temperature: float = 1.0,
    name: str = "pseudo_soft",
) -> Distiller:
    """Labels where there are any, otherwise the expert's softmax.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: see `pseudo_hard`.
        temperature: float > 0, of the expert's softmax.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Reference: tutorial 004, section 3.2.
    """
    return target_learner(
        student, expert_teacher, threshold, name, temperature=temperature
    )
