"""The tutorial's equation: labels, plus the expert's softmax."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.target_learner import SOFT_SPACE, target_learner


@method(
    space=SOFT_SPACE | {"weight": Float(0.1, 10.0, sampling="log")},
    pseudo_labels="equation",
)
def equation(
    student: keras.Model,
    expert_teacher: keras.Model,
    threshold: float = 0.0,
    temperature: float = 1.0,
    weight: float = 1.0,
    name: str = "equation",
) -> Distiller:
    """`L(y, S) + weight H(softmax(expert / T), softmax(S))`.

    Images without a label have only the second term.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: see `pseudo_hard`.
        temperature: float > 0, T.
        weight: float > 0, lambda, which the tutorial leaves open.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Reference: tutorial 004, section 3.3, its first term repaired.
    """
    return target_learner(
        student,
        expert_teacher,
        threshold,
        name,
        temperature=temperature,
        weight=weight,
    )
