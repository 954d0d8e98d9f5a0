"""Labels of a few images, and an expert's answers to these and many more."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.target_learner import SOFT_SPACE, target_learner
from keras_artkd.losses import KD


@method(
    space=SOFT_SPACE | {"weight": Float(0.1, 10.0, sampling="log")},
    pseudo_labels="unlabelled",
)
def unlabelled(
    student: keras.Model,
    expert_teacher: keras.Model,
    threshold: float = 0.0,
    in_domain: float = 0.95,
    temperature: float = 1.0,
    weight: float = 1.0,
    name: str = "unlabelled",
) -> Distiller:
    """`L(y, S)` of images with a label, `+ weight T^2 KL(expert || S)` of all.

    Each batch has as many images with a label, and without, as
    `keras_artkd.data.order.labelled_in_batch` says. What the expert says of a
    picture that is unlike all that it has learned is worth nothing. Such
    pictures are left out by their distance from the labelled ones, see
    `keras_artkd.runs.domain`.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        threshold: see `pseudo_hard`.
        in_domain: float in (0, 1], share of the validation images that are as
            near to the labelled ones as an image without a label must be. 1
            leaves none out.
        temperature: float > 0, T.
        weight: float > 0, of the expert's answers.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets, which are zeros for
        images without a label.

    Reference: ours. Hinton, Vinyals, Dean, 2015,
    https://arxiv.org/abs/1503.02531, section 5, for the answers on images
    without labels; Sun et al., 2022, https://arxiv.org/abs/2204.06507, for
    what is left out.
    """
    if not 0 < in_domain <= 1:
        raise ValueError(
            "`in_domain` must be a share of the validation images, above 0 and "
            f"at most 1. Received: in_domain={in_domain!r}."
        )
    return target_learner(
        student,
        expert_teacher,
        threshold,
        name,
        KD(temperature),
        temperature=temperature,
        weight=weight,
    )
