"""Be your own teacher, and its progressive form."""

from keras_artkd.distillers.checks import check_share
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses import Byot
from keras_artkd.models import with_exits

BYOT_SPACE = {
    "alpha": Float(0.1, 0.9),
    "feature_weight": Float(1e-3, 0.3, sampling="log"),
    "temperature": Float(1.0, 8.0, sampling="log"),
}
# Around the grids of tables 4.3 to 4.6.
PD_BYOT_SPACE = BYOT_SPACE | {
    "label_decay": Float(0.4, 1.2),
    "divergence_decay": Float(0.4, 1.6),
    "feature_decay": Float(0.4, 1.6),
}


def byot(student, alpha=0.3, feature_weight=0.03, temperature=3.0, name="byot"):
    """The deepest exit teaches the shallow ones, see `losses.byot`.

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
    return _taught_by_itself(student, "byot", loss, name)


def pd_byot(
    student,
    alpha=0.3,
    feature_weight=0.03,
    temperature=3.0,
    label_decay=0.6,
    divergence_decay=1.1,
    feature_decay=1.0,
    name="pd_byot",
):
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
    return _taught_by_itself(student, "pd_byot", loss, name)


def _taught_by_itself(student, kind, loss, name):
    check_share(loss.alpha)
    return Distiller(
        with_exits(student, kind),
        transfer_losses=[loss],
        supervised_weight=1.0 - loss.alpha,
        name=name,
    )
