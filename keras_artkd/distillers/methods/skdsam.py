"""Self-distillation weighted by attention: the method of thesis 002."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Choice, Float
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.losses import Skdsam
from keras_artkd.losses.skdsam import SIMILARITIES
from keras_artkd.models import with_exits


@method(
    # Around the grids of tables 4.15, 4.20 and 4.21.
    space={
        "weight": Float(0.25, 4.0, sampling="log"),
        "feature_weight": Float(10.0, 1000.0, sampling="log"),
        "temperature": Float(1.0, 8.0, sampling="log"),
        "attention": Choice(("paper", "cosine", "sum", "mean")),
    },
)
def skdsam(
    student: keras.Model,
    weight: float = 1.5,
    feature_weight: float = 100.0,
    temperature: float = 4.0,
    attention_temperature: float = 4.0,
    attention: str = "paper",
    name: str = "skdsam",
) -> Distiller:
    """Shallow exits follow the deepest, weighted by attention.

    See `keras_artkd.losses.skdsam`.

    Args:
        student: the network to train, with groups; gets exits of kind
            `"skdsam"`, or without attention `"byot"` (the same, less what
            attention needs).
        weight: float, lambda, of all but the labels.
        feature_weight: float, beta, within it.
        temperature: float > 0, T, of the predictions.
        attention_temperature: float > 0, T', of the projections.
        attention: `"paper"` (default), as printed: weights equal to seven
            digits; `"cosine"`; or without attention `"sum"` (table 4.13's
            "w/o SA") or `"mean"`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`. Its student has exits;
        `keras_artkd.models.without_exits` gives the network to deploy. With
        attention it logs each exit's weight, see `losses.Skdsam`.

    Reference: thesis 002, eqs 3.5 to 3.13, tables 4.7, 4.13, 4.15, 4.20 and
    4.21; `docs/thesis_002.md` lists its contradictions.
    """
    loss = Skdsam(feature_weight, temperature, attention_temperature, attention)
    kind = "skdsam" if attention in SIMILARITIES else "byot"
    return Distiller(
        with_exits(student, kind),
        transfer_losses=[loss],
        transfer_weights=[weight],
        name=name,
    )
