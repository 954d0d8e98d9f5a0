"""Logit standardisation: each example's logits by mean and deviation."""

import math
from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import PreparedLogits
from keras_artkd.losses.decoupled_kd import DecoupledKD
from keras_artkd.losses.kd import KD
from keras_artkd.losses.ops import centred, unit
from keras_artkd.types import Tensor

# Of two, the standardised logits are 1 and -1, whatever they were.
FEWEST_CLASSES = 3


def standardise(logits: Tensor) -> Tensor:
    """Logits standardised over the classes, each example by itself (Z-score).

    `(z - mean(z)) / std(z)` with the population's standard deviation, in
    `[-sqrt(classes - 1), sqrt(classes - 1)]`. A softmax of it at the
    temperature T is one of `z` at the temperature `T std(z)`: teacher and
    student each have their own, and the student need not have logits as large
    as the teacher's. A gradient passes through the statistics; constant logits
    give zero, without a gradient.

    Args:
        logits: `(batch, classes)`, not normalised, of three classes or more.

    Returns:
        `(batch, classes)`, float32.

    Raises:
        ValueError: for fewer than three classes.

    Reference: Sun et al., "Logit Standardization in Knowledge Distillation",
    2024, https://arxiv.org/abs/2403.01427, algorithm 1, which has the
    population's deviation: with it the bound above is right, and the deviation
    of the result is 1 for any number of classes. The authors' code
    (sunshangquan/logit-standardization-KD, `mdistiller/distillers/KD.py`)
    divides by PyTorch's default, the sample's deviation. For few classes that
    is another temperature, `sqrt(classes / (classes - 1))` times this one, and
    the rest is the same.
    """
    logits = ops.cast(logits, "float32")
    classes = logits.shape[-1]
    if classes < FEWEST_CLASSES:
        raise ValueError(
            "Standardised logits must be of three classes or more: of two they "
            "are 1 and -1, and teach nothing but which is which. Received: "
            f"{classes} classes. Fix: the loss without standardisation (method "
            "kd or dkd)."
        )
    return math.sqrt(classes) * unit(centred(logits))


class _Standardised(PreparedLogits):
    """Puts `standardise` before the loss on logits that it is mixed into."""

    def prepare(self, logits: Tensor) -> Tensor:
        """`standardise` of the logits."""
        return standardise(logits)


@keras.saving.register_keras_serializable("keras_artkd")
class StandardisedKD(_Standardised, KD):
    """`kd` of logits after `standardise`.

    Args:
        temperature: float > 0, the base temperature. Defaults to 2.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self, temperature: float = 2.0, teacher: str = "expert", **kwargs: Any
    ) -> None:
        super().__init__(temperature, teacher, **kwargs)


@keras.saving.register_keras_serializable("keras_artkd")
class StandardisedDecoupledKD(_Standardised, DecoupledKD):
    """`decoupled_kd` of logits after `standardise`.

    Args:
        temperature: float > 0, the base temperature. Defaults to 2.0.
        alpha: float, weight of the target class's part.
        beta: float, weight of the other classes' part.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        temperature: float = 2.0,
        alpha: float = 9.0,
        beta: float = 72.0,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(temperature, alpha, beta, teacher, **kwargs)
