"""Class-wise self-knowledge distillation."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.losses import ViewKD


@method(
    space={
        "temperature": Float(1.0, 8.0, sampling="log"),
        "weight": Float(0.1, 8.0, sampling="log"),
    },
    views="class_pairs",
)
def cs_kd(
    student: keras.Model,
    temperature: float = 4.0,
    weight: float = 1.0,
    name: str = "cs_kd",
) -> Distiller:
    """`L(y, S(x)) + weight T^2 KL(S(x') || S(x))`, x' another of the class.

    One pass sees both images, so that batch normalisation has the statistics
    of both. The authors' code runs them one after the other. The prediction
    of x' gets no gradient.

    Args:
        student: the network to train.
        temperature: float > 0, T.
        weight: float. The authors' is 1, and 3 for fine-grained data.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches with `views="class_pairs"`.

    Reference: Yun et al., 2020, https://arxiv.org/abs/2003.13964.
    """
    return Distiller(
        student,
        transfer_losses=[ViewKD(temperature)],
        transfer_weights=[weight],
        views=2,
        labelled_views=1,
        name=name,
    )
