"""Progressive be your own teacher: terms decay with the exits' distance."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.methods.byot import SPACE, taught_by_deepest_exit
from keras_artkd.losses import Byot


@method(
    # Around the grids of tables 4.3 to 4.6.
    space=SPACE
    | {
        "label_decay": Float(0.4, 1.2),
        "divergence_decay": Float(0.4, 1.6),
        "feature_decay": Float(0.4, 1.6),
    }
)
def pd_byot(
    student: keras.Model,
    alpha: float = 0.3,
    feature_weight: float = 0.03,
    temperature: float = 3.0,
    label_decay: float = 0.6,
    divergence_decay: float = 1.1,
    feature_decay: float = 1.0,
    name: str = "pd_byot",
) -> Distiller:
    """`byot` whose terms decay with each exit's distance from the deepest.

    Args:
        student: the network to train, with groups; gets exits of kind
            `"pd_byot"`.
        alpha: float in [0, 1], of the divergence against the labels.
        feature_weight: float, of the features' distance.
        temperature: float > 0, T.
        label_decay: float >= 0, of the cross-entropies. With the next two
            the best of table 4.5; (1, 0.5, 1) is as good in table 4.4.
        divergence_decay: float >= 0.
        feature_decay: float >= 0.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`, as `byot` does.

    Reference: thesis 002, eqs 2.6 to 2.9.
    """
    decay = (label_decay, divergence_decay, feature_decay)
    loss = Byot(alpha, feature_weight, temperature, decay)
    return taught_by_deepest_exit(student, "pd_byot", loss, name)
