"""Feature distillation: an expert's features first, without labels."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.schedules import Stages
from keras_artkd.distillers.validation import check_weights
from keras_artkd.losses import PooledSimilarity, SpatialSimilarity


@method(
    space={
        "temperature": Float(0.02, 0.3, sampling="log"),
        "spatial_weight": Float(0.1, 10.0, sampling="log"),
    },
    epoch_options=("first_stage",),
    mixup=1.0,
    label_free="first_stage",
)
def feature_distillation(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 0.07,
    spatial_weight: float = 1.0,
    queue: int = 512,
    first_stage: float = 160.0,
    name: str = "feature_distillation",
) -> Distiller:
    """`pooled(expert, S) + spatial_weight spatial(expert, S)`, then `L(y, S)`.

    In the first stage no label counts. On all images, those without a label
    too, the student's last features learn through projectors what the expert's
    are near to: pooled, among those of other images; position by position,
    among those of the same image. Its images are mixed, as for
    `function_matching`. Then the classifier is fitted on the features, where
    `fit_head_first` says so, and the student learns from the labels. The expert
    may be a pretrained network as it is: `--expert-train head`.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, of the similarities.
        spatial_weight: float >= 0, of the positions' term.
        queue: int >= 1, images whose pooled features are compared with.
        first_stage: float > 0, its epochs; meant for 240 in all (a shorter
            run shortens it).
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: LightlyTrain 0.15, `distillationv3`,
    https://docs.lightly.ai/train/stable/pretrain_distill/methods/distillation.html;
    docs/later_methods.md says how it is read.
    """
    check_weights(spatial_weight=spatial_weight)
    return Distiller(
        student,
        teachers={"expert": expert_teacher},
        transfer_losses=[
            PooledSimilarity(temperature, queue),
            SpatialSimilarity(temperature),
        ],
        transfer_weights=[
            Stages(1.0, 0.0, first_stage),
            Stages(spatial_weight, 0.0, first_stage),
        ],
        supervised_weight=Stages(0.0, 1.0, first_stage),
        name=name,
    )
