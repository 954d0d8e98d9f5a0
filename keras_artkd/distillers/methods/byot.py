"""Be your own teacher: self-distillation from the deepest exit."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float, Space
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.validation import check_share
from keras_artkd.losses import Byot
from keras_artkd.models import with_exits

SPACE: Space = {
    "alpha": Float(0.1, 0.9),
    "feature_weight": Float(1e-3, 0.3, sampling="log"),
    "temperature": Float(1.0, 8.0, sampling="log"),
}


@method(space=SPACE)
def byot(
    student: keras.Model,
    alpha: float = 0.3,
    feature_weight: float = 0.03,
    temperature: float = 3.0,
    name: str = "byot",
) -> Distiller:
    """The deepest exit teaches the shallow ones.

    See `keras_artkd.losses.byot`.

    Args:
        student: the network to train, with groups; gets exits of kind
            `"byot"`.
        alpha: float in [0, 1], of the divergence against the labels.
        feature_weight: float, of the features' distance.
        temperature: float > 0, T.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`. Its student has exits;
        `keras_artkd.models.without_exits` gives the network to deploy.

    Reference: Zhang et al., 2019, https://arxiv.org/abs/1905.08094; thesis
    002, eqs 2.1 to 2.5.
    """
    loss = Byot(alpha, feature_weight, temperature)
    return taught_by_deepest_exit(student, "byot", loss, name)


def taught_by_deepest_exit(
    student: keras.Model, kind: str, loss: Byot, name: str
) -> Distiller:
    """The distiller of `byot` and `pd_byot`, which differ in their loss."""
    check_share(loss.alpha)
    return Distiller(
        with_exits(student, kind),
        transfer_losses=[loss],
        supervised_weight=1.0 - loss.alpha,
        name=name,
    )
