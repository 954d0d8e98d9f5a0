"""Function matching: what the expert says of mixed images, without labels."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.losses import KD


@method(
    space={"temperature": Float(1.0, 16.0, sampling="log")},
    mixup=1.0,
    label_free="always",
)
def function_matching(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 1.0,
    name: str = "function_matching",
) -> Distiller:
    """`T^2 KL(expert || S)`, of images that are all mixed; labels do not count.

    Expert and student see the very same crop, blended with another by a share
    that is uniform between 0 and 1, a new one for each batch. Images without a
    label join the others. It gains from training very long;
    docs/later_methods.md has the authors' schedules.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T; 1 on ImageNet, 1 to 10 on small data sets.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`. Its batches are to be mixed, by
        `keras_artkd.data.augment.Mixup(num_classes, alpha=1.0)`; a run does
        so by itself.

    Reference: Beyer et al., "Knowledge distillation: A good teacher is patient
    and consistent", 2022, https://arxiv.org/abs/2106.05237, and the authors'
    code, big_vision, configs/proj/distill.
    """
    return taught_by_expert(
        student,
        expert_teacher,
        KD(temperature),
        1.0,
        name,
        supervised_weight=0.0,
    )
