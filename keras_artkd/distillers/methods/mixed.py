"""A mixture of the labels and the expert's softmax."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.target_learner import SOFT_SPACE, target_learner


@method(space=SOFT_SPACE | {"share": Float(0.0, 1.0)}, pseudo_labels="mixed")
def mixed(
    student: keras.Model,
    expert_teacher: keras.Model,
    threshold: float = 0.0,
    temperature: float = 1.0,
    share: float = 0.5,
    name: str = "mixed",
) -> Distiller:
    """`L(share y + (1 - share) softmax(expert / T), S)`.

    Images without a label have only the expert's softmax.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: see `pseudo_hard`.
        temperature: float > 0, T.
        share: float in [0, 1], mu, of the label.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Reference: tutorial 004, section 2, "mix training", read as a mixture of
    label and teacher.
    """
    return target_learner(
        student,
        expert_teacher,
        threshold,
        name,
        temperature=temperature,
        share=share,
    )
