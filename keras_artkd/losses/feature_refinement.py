"""Feature refinement (FRSKD): refined features teach their own network."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_artkd.losses.attention_transfer import attention_transfer
from keras_artkd.losses.base import Endpoints, TemperatureLoss
from keras_artkd.losses.kd import kd
from keras_artkd.losses.labels import cross_entropy
from keras_artkd.types import Tensor


def frskd(
    labels: Tensor,
    logits: Tensor,
    refined_logits: Tensor,
    groups: Sequence[Tensor],
    refined: Sequence[Tensor],
    alpha: float = 2.0,
    beta: float = 100.0,
    temperature: float = 4.0,
) -> Tensor:
    """Feature refinement via self-knowledge distillation (FRSKD).

    A pyramid on the network's maps A_i refines them to R_i and has its own
    logits r. With the network's logits z and a label y:

        CE(y, z) + CE(y, r)
        + alpha T^2 KL(softmax(r / T) || softmax(z / T))
        + beta sum_i mean_p (at(A_i) - at(R_i))^2

    where `at` is `attention_map`, squares summed over the channels, and the
    mean is over its positions p. No gradient of the last two terms passes to
    r and R_i. `CE(y, r)` trains the pyramid and the network below it.

    Args:
        labels: integers, `(batch,)` or `(batch, 1)`, or probabilities,
            `(batch, classes)`.
        logits: `(batch, classes)`, not normalised.
        refined_logits: `(batch, classes)`, not normalised.
        groups: list of maps, `(batch, height, width, channels)`, after their
            ReLU.
        refined: list of as many maps, of the same sizes; channels may differ.
        alpha: float, of the divergence. Defaults to 2.0.
        beta: float, of the attention. Defaults to 100.0.
        temperature: float > 0, T. Defaults to 4.0.

    Returns:
        `(batch,)`, float32, per example.

    Raises:
        ValueError: for lists of different lengths or none, or a bad
            temperature.

    Reference: Ji et al., "Refine Myself by Teaching Myself: Feature
    Refinement via Self-Knowledge Distillation", 2021,
    https://arxiv.org/abs/2103.08273, with the weights of the authors' code
    for CIFAR-100.
    """
    return cross_entropy(labels, logits) + _refined_terms(
        labels,
        logits,
        refined_logits,
        groups,
        refined,
        alpha,
        beta,
        temperature,
    )


@keras.saving.register_keras_serializable("keras_artkd")
class FeatureRefinement(TemperatureLoss):
    """`frskd` of a student that has a pyramid beside it.

    It leaves out the cross-entropy of the student's logits, which is the
    distiller's supervised loss. With weights 1 the objective is `frskd`.

    Args:
        alpha: float, see `frskd`.
        beta: float, see `frskd`.
        temperature: float > 0. Defaults to 4.0.
        teacher: the student itself. Its endpoints `logits` and
            `refined_logits` are read, and for each refined map i, from 1,
            `activated<i>` and `refined<i>`.
        **kwargs: see `TransferLoss`.
    """

    student_endpoints = ("logits", "refined_logits", "activated1", "refined1")

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 100.0,
        temperature: float = 4.0,
        teacher: str = "student",
        **kwargs: Any,
    ) -> None:
        super().__init__(temperature=temperature, teacher=teacher, **kwargs)
        self.alpha = alpha
        self.beta = beta

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`frskd` without the cross-entropy of the student's logits."""
        groups, refined = _read_pairs(student)
        return _refined_terms(
            labels,
            student["logits"],
            student["refined_logits"],
            groups,
            refined,
            self.alpha,
            self.beta,
            self.temperature,
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "beta": self.beta,
        }


def _read_pairs(endpoints: Endpoints) -> tuple[list[Tensor], list[Tensor]]:
    """The maps `activated<i>` and `refined<i>` of all refined maps."""
    groups: list[Tensor] = []
    refined: list[Tensor] = []
    while (name := f"refined{len(refined) + 1}") in endpoints:
        refined.append(endpoints[name])
        groups.append(endpoints[f"activated{len(refined)}"])
    return groups, refined


def _refined_terms(
    labels: Tensor,
    logits: Tensor,
    refined_logits: Tensor,
    groups: Sequence[Tensor],
    refined: Sequence[Tensor],
    alpha: float,
    beta: float,
    temperature: float,
) -> Tensor:
    """The terms of `frskd` that depend on the pyramid."""
    if len(groups) != len(refined) or not groups:
        raise ValueError(
            "`groups` and `refined` must have as many maps, a pair at least. "
            f"Received: {len(groups)} and {len(refined)}."
        )
    divergence = kd(ops.stop_gradient(refined_logits), logits, temperature)
    attention = sum(
        attention_transfer(ops.stop_gradient(taught), learnt, norm="mse")
        for taught, learnt in zip(refined, groups, strict=True)
    )
    return (
        cross_entropy(labels, refined_logits)
        + alpha * divergence
        + beta * attention
    )
