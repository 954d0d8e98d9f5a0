"""Be your own teacher (BYOT): the deepest exit teaches the shallow ones."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TemperatureLoss
from keras_artkd.losses.kd import kd
from keras_artkd.losses.labels import cross_entropy
from keras_artkd.losses.ops import (
    check_exits,
    read_exits,
    shallow_and_target,
)
from keras_artkd.types import Tensor


def byot(
    labels: Tensor,
    exit_logits: Sequence[Tensor],
    exit_features: Sequence[Tensor],
    alpha: float = 0.3,
    feature_weight: float = 0.03,
    temperature: float = 3.0,
    decay: Sequence[float] = (1.0, 1.0, 1.0),
) -> Tensor:
    """Labels, the deepest exit's predictions and its features, for all exits.

    With the exits 1 to C, their logits z, features f and a label y:

        sum_i   (1 - alpha) d_1^(C - i) CE(y, z_i)
              + alpha d_2^(C - i) KL(softmax(z_C / T) || softmax(z_i / T))
              + feature_weight d_3^(C - i) |f_i - f_C|^2

    No gradient passes to `z_C` from the divergences, nor to `f_C`. Decays
    other than 1 make it PD-BYOT.

    Args:
        labels: `(batch,)` integers, or `(batch, classes)` probabilities.
        exit_logits: list of `(batch, classes)`, not normalised, from the
            shallowest exit to the deepest.
        exit_features: list of `(batch, channels)`, likewise.
        alpha: float in [0, 1], of the divergence against the labels.
        feature_weight: float. Defaults to 0.03.
        temperature: float > 0, T. Defaults to 3.0.
        decay: three floats >= 0, of the cross-entropies, divergences and
            features, for each step away from the deepest exit. The thesis
            finds (0.6, 1.1, 1.0) and (1.0, 0.5, 1.0) best.

    Returns:
        `(batch,)`, float32, per example.

    Raises:
        ValueError: for fewer than two exits, lists of different lengths, or
            arguments out of range.

    Reference: Zhang et al., "Be Your Own Teacher: Improve the Performance of
    Convolutional Neural Networks via Self Distillation", 2019,
    https://arxiv.org/abs/1905.08094; thesis 002, eqs 2.5 and 2.9. They give
    neither weights nor temperature: these are those of the authors' code,
    which has no T^2 here.
    """
    own = (1.0 - alpha) * cross_entropy(labels, exit_logits[-1])
    return own + _shallow_byot(
        labels,
        exit_logits,
        exit_features,
        alpha,
        feature_weight,
        temperature,
        decay,
    )


@keras.saving.register_keras_serializable("keras_artkd")
class Byot(TemperatureLoss):
    """`byot` of a student made by `keras_artkd.models.with_exits`.

    It leaves out the deepest exit's cross-entropy, which is the distiller's
    supervised loss. With `supervised_weight = 1 - alpha` and weight 1 the
    objective is `byot`.

    Args:
        alpha: float in [0, 1], see `byot`.
        feature_weight: float, see `byot`.
        temperature: float > 0. Defaults to 3.0.
        decay: three floats >= 0, see `byot`.
        teacher: the student itself, whose exits alone are read.
        **kwargs: see `TransferLoss`.
    """

    student_endpoints = ("exit1_logits", "exit1_features")

    def __init__(
        self,
        alpha: float = 0.3,
        feature_weight: float = 0.03,
        temperature: float = 3.0,
        decay: Sequence[float] = (1.0, 1.0, 1.0),
        teacher: str = "student",
        **kwargs: Any,
    ) -> None:
        super().__init__(temperature=temperature, teacher=teacher, **kwargs)
        _check_decay(decay)
        self.alpha = alpha
        self.feature_weight = feature_weight
        self.decay = tuple(decay)

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`byot` of the exits without the deepest's cross-entropy."""
        return _shallow_byot(
            labels,
            read_exits(student, "logits"),
            read_exits(student, "features"),
            self.alpha,
            self.feature_weight,
            self.temperature,
            self.decay,
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "feature_weight": self.feature_weight,
            "decay": self.decay,
        }


def _shallow_byot(
    labels: Tensor,
    exit_logits: Sequence[Tensor],
    exit_features: Sequence[Tensor],
    alpha: float,
    feature_weight: float,
    temperature: float,
    decay: Sequence[float],
) -> Tensor:
    """The terms of `byot` that belong to shallow exits."""
    check_exits(exit_logits, exit_features)
    _check_decay(decay)
    logits, target_logits = shallow_and_target(exit_logits)
    features, target_features = shallow_and_target(exit_features)
    total: Tensor = 0.0
    for i, (own_logits, own_features) in enumerate(
        zip(logits, features, strict=True)
    ):
        label_decay, divergence_decay, feature_decay = (
            factor ** (len(logits) - i) for factor in decay
        )
        supervised = cross_entropy(labels, own_logits)
        divergence = kd(target_logits, own_logits, temperature) / temperature**2
        squared = ops.sum(ops.square(own_features - target_features), axis=-1)
        total = (
            total
            + (1.0 - alpha) * label_decay * supervised
            + alpha * divergence_decay * divergence
            + feature_weight * feature_decay * squared
        )
    return total


def _check_decay(decay: Sequence[float]) -> None:
    if len(decay) != 3 or not min(decay) >= 0:
        raise ValueError(
            "`decay` must be three factors of at least 0: of the "
            "cross-entropies, the divergences and the features. "
            f"Received: decay={decay!r}."
        )
