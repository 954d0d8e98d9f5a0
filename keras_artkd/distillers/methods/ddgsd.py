"""Data-distortion guided self-distillation."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.losses import ViewKD, ViewMMD
from keras_artkd.models.endpoints import get_endpoints, group_names


@method(
    space={
        "temperature": Float(1.0, 8.0, sampling="log"),
        "weight": Float(0.1, 4.0, sampling="log"),
        "feature_weight": Float(1e-5, 1e-2, sampling="log"),
    },
    views="two",
)
def ddgsd(
    student: keras.Model,
    temperature: float = 3.0,
    weight: float = 1.0,
    feature_weight: float = 5e-4,
    name: str = "ddgsd",
) -> Distiller:
    """Two views a and b of each image teach each other.

        L(y, S_a) + L(y, S_b) + weight T^2 (KL(S_b || S_a) + KL(S_a || S_b))
        + feature_weight |mean f_a - mean f_b|^2

    Args:
        student: the network to train. Its features f are its pooled last
            map.
        temperature: float > 0, T.
        weight: float, of the divergences; neither gives the view that
            teaches a gradient.
        feature_weight: float, mu, of the maximum mean discrepancy.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches with `views="two"`.

    Reference: Xu and Liu, "Data-Distortion Guided Self-Distillation for Deep
    Neural Networks", AAAI 2019; settings of an unofficial implementation. The
    linear kernel is our reading.
    """
    maps = group_names(student)
    if "features" in get_endpoints(student):
        maps.append("features")
    features = maps[-1] if maps else "logits"
    return Distiller(
        student,
        transfer_losses=[
            ViewKD(temperature, mutual=True),
            ViewMMD(features=features),
        ],
        transfer_weights=[weight, feature_weight],
        # A sum over the views; the distiller takes their mean.
        supervised_weight=2.0,
        views=2,
        name=name,
    )
