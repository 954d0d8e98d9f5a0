"""Feature refinement by self-knowledge distillation."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.losses import FeatureRefinement
from keras_artkd.models import with_exits


@method(
    space={
        "alpha": Float(0.25, 8.0, sampling="log"),
        "beta": Float(10.0, 1000.0, sampling="log"),
        "temperature": Float(1.0, 8.0, sampling="log"),
    },
)
def frskd(
    student: keras.Model,
    alpha: float = 2.0,
    beta: float = 100.0,
    temperature: float = 4.0,
    name: str = "frskd",
) -> Distiller:
    """A pyramid over the student's maps refines them and teaches it.

    See `keras_artkd.losses.frskd`.

    Args:
        student: the network to train, with groups; gets the pyramid of kind
            `"frskd"`.
        alpha: float, of the divergence.
        beta: float, of the maps' attention.
        temperature: float > 0, T.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`. Its student has the pyramid;
        `keras_artkd.models.without_exits` gives the network to deploy.

    Reference: Ji et al., 2021, https://arxiv.org/abs/2103.08273; settings of
    the authors' code.
    """
    return Distiller(
        with_exits(student, "frskd"),
        transfer_losses=[FeatureRefinement(alpha, beta, temperature)],
        name=name,
    )
