"""Self-distillation with attention over the shallow exits (SKDSAM)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, Shape, TemperatureLoss
from keras_artkd.losses.kd import kd
from keras_artkd.losses.labels import cross_entropy
from keras_artkd.losses.ops import (
    check_choice,
    check_exits,
    check_temperature,
    read_exits,
    shallow_and_target,
    unit,
)
from keras_artkd.types import Tensor

SIMILARITIES = ("paper", "cosine")
# Without attention: the weight of each exit, by the number of exits.
CONSTANTS: dict[str, Callable[[int], float]] = {
    "sum": lambda count: 1.0,
    "mean": lambda count: 1.0 / count,
}


def exit_attention(
    query: Tensor,
    keys: Sequence[Tensor],
    temperature: float = 4.0,
    similarity: str = "paper",
) -> Tensor:
    """Weights of the shallow exits, by their similarity to the deepest.

    A softmax over the exits of similarities between query and keys. In the
    thesis these are dot products of two distributions, `softmax(query / T')`
    and `softmax(key / T')` over the channels. They are about `1 / channels`:
    with hundreds of channels all exits weigh the same to seven digits.

    Args:
        query: `(batch, channels)`, the deepest exit's projection.
        keys: list of `(batch, channels)`, of the other exits.
        temperature: float > 0, T', of `"paper"` alone. Defaults to 4.0.
        similarity: `"paper"` (default), or `"cosine"` of the projections as
            they are.

    Returns:
        `(batch, exits)`, float32, each row adding up to 1.

    Raises:
        ValueError: without keys, or for arguments out of range.

    Reference: thesis 002, eqs 3.5 to 3.7.
    """
    check_temperature(temperature)
    check_choice("similarity", similarity, SIMILARITIES)
    if not keys:
        raise ValueError(
            "`keys` must have a tensor for each shallow exit, one at least. "
            "Received: none."
        )

    def prepare(projection: Tensor) -> Tensor:
        projection = ops.cast(projection, "float32")
        if similarity == "cosine":
            return unit(projection)
        return ops.softmax(projection / temperature, axis=-1)

    query = prepare(query)
    scores = [ops.sum(query * prepare(key), axis=-1) for key in keys]
    return ops.softmax(ops.stack(scores, axis=-1), axis=-1)


def skdsam(
    labels: Tensor,
    exit_logits: Sequence[Tensor],
    exit_features: Sequence[Tensor],
    attention: Tensor,
    weight: float = 1.5,
    feature_weight: float = 100.0,
    temperature: float = 4.0,
) -> Tensor:
    """Labels for the deepest exit, which teaches the others, by attention.

    With the exits 1 to C, their logits z, features f, attention a, a label y:

        CE(y, z_C) + weight sum_{i < C} a_i (
            T^2 KL(softmax(z_C / T) || softmax(z_i / T))
            + feature_weight mean_d | f_i / |f_i| - f_C / |f_C| |)

    The absolute difference is averaged over the channels d. No gradient
    passes to `z_C` from the divergences, nor to `f_C`; through `attention` it
    passes to the projections.

    Args:
        labels: `(batch,)` integers, or `(batch, classes)` probabilities.
        exit_logits: list of `(batch, classes)`, not normalised, from the
            shallowest exit to the deepest.
        exit_features: list of `(batch, channels)`, likewise.
        attention: `(batch, exits - 1)`, as `exit_attention` gives it, or
            `(1, exits - 1)` for all examples.
        weight: float, of all but the labels. Defaults to 1.5.
        feature_weight: float, within it. Defaults to 100.0.
        temperature: float > 0, T. Defaults to 4.0.

    Returns:
        `(batch,)`, float32, per example.

    Raises:
        ValueError: for fewer than two exits, lists or attention of different
            lengths, or arguments out of range.

    Reference: thesis 002, eqs 3.8 to 3.13. The thesis sums over the channels,
    which gives some 15 for 512; with a feature weight of 100 the other terms
    would have no effect.
    """
    supervised = cross_entropy(labels, exit_logits[-1])
    return supervised + weight * _attended(
        exit_logits, exit_features, attention, feature_weight, temperature
    )


@keras.saving.register_keras_serializable("keras_artkd")
class Skdsam(TemperatureLoss):
    """`skdsam` of a student made by `keras_artkd.models.with_exits`.

    It leaves out the deepest exit's cross-entropy, which is the distiller's
    supervised loss, and `weight`, which is the distiller's. With weights 1
    and 1.5 the objective is `skdsam`. Attention requires exits of kind
    `"skdsam"`, which have projections.

    With attention `fit` also logs `<name>_exit<i>_weight`, the weight `a_i` of
    each shallow exit, and `<name>_spread`, their distance from uniform: the
    largest `|a_i - 1 / (C - 1)|` of an example. Both are averaged over the
    examples; neither is part of the objective.

    Args:
        feature_weight: float, see `skdsam`.
        temperature: float > 0, of the predictions. Defaults to 4.0.
        attention_temperature: float > 0, of the projections. Defaults to 4.0.
        attention: a similarity of `exit_attention`, `"paper"` by default; or,
            without attention, `"sum"` (every exit has weight 1) or `"mean"`.
        teacher: the student itself, whose exits alone are read.
        **kwargs: see `TransferLoss`.
    """

    student_endpoints: tuple[str, ...] = ("exit1_logits", "exit1_features")

    def __init__(
        self,
        feature_weight: float = 100.0,
        temperature: float = 4.0,
        attention_temperature: float = 4.0,
        attention: str = "paper",
        teacher: str = "student",
        **kwargs: Any,
    ) -> None:
        super().__init__(temperature=temperature, teacher=teacher, **kwargs)
        check_temperature(attention_temperature)
        check_choice("attention", attention, (*SIMILARITIES, *CONSTANTS))
        self.feature_weight = feature_weight
        self.attention_temperature = attention_temperature
        self.attention = attention
        if attention in SIMILARITIES:
            self.student_endpoints += ("exit1_projection",)
            self.spread = keras.metrics.Mean(name=f"{self.name}_spread")

    def build(
        self, labels_shape: Shape, student_shape: Mapping[str, Shape]
    ) -> None:
        """Makes what logs the weight of each shallow exit."""
        if self.attention in SIMILARITIES:
            count = len(read_exits(student_shape, "projection")) - 1
            self.exit_weights = [
                keras.metrics.Mean(name=f"{self.name}_exit{i}_weight")
                for i in range(1, count + 1)
            ]

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`skdsam` of the exits without the labels, divided by its weight."""
        logits = read_exits(student, "logits")
        if self.attention in CONSTANTS:
            count = len(logits) - 1
            attention = ops.full((1, count), CONSTANTS[self.attention](count))
        else:
            attention = self._attend(read_exits(student, "projection"))
        return _attended(
            logits,
            read_exits(student, "features"),
            attention,
            self.feature_weight,
            self.temperature,
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "feature_weight": self.feature_weight,
            "attention_temperature": self.attention_temperature,
            "attention": self.attention,
        }

    def _attend(self, projections: Sequence[Tensor]) -> Tensor:
        *keys, query = projections
        attention = exit_attention(
            query, keys, self.attention_temperature, self.attention
        )
        deviation = ops.abs(attention - 1.0 / len(keys))
        self.spread.update_state(ops.max(deviation, axis=-1))
        for i, weight in enumerate(self.exit_weights):
            weight.update_state(attention[:, i])
        return attention


def _attended(
    exit_logits: Sequence[Tensor],
    exit_features: Sequence[Tensor],
    attention: Tensor,
    feature_weight: float,
    temperature: float,
) -> Tensor:
    """The shallow exits' terms of `skdsam`, weighted by attention."""
    check_exits(exit_logits, exit_features)
    logits, target_logits = shallow_and_target(exit_logits)
    features, target_features = shallow_and_target(exit_features)
    attention = ops.cast(attention, "float32")
    if len(attention.shape) != 2 or attention.shape[-1] != len(logits):
        raise ValueError(
            "`attention` must have a column for each exit but the deepest, "
            f"(batch, {len(logits)}). Received: shape "
            f"{tuple(attention.shape)}."
        )
    target_direction = unit(target_features)
    terms = []
    for own_logits, own_features in zip(logits, features, strict=True):
        apart = ops.abs(unit(own_features) - target_direction)
        terms.append(
            kd(target_logits, own_logits, temperature)
            + feature_weight * ops.mean(apart, axis=-1)
        )
    return ops.sum(attention * ops.stack(terms, axis=-1), axis=-1)
