"""Probabilistic knowledge transfer (PKT): neighbourhoods as distributions."""

import keras
from keras import ops

from keras_artkd.losses.base import EmbeddingLoss, Endpoints
from keras_artkd.losses.ops import gram, pooled, rescaled, unit
from keras_artkd.types import Tensor

# The authors add this to the probabilities.
EPSILON = 1e-7


def probabilistic_transfer(teacher: Tensor, student: Tensor) -> Tensor:
    """Divergence of cosine similarities as conditional probabilities.

    Cosines c between all pairs of examples become `(c + 1) / 2`, and each row
    is divided by its sum. The result is the mean of `p log(p / q)` over batch
    x batch, as in the authors' code.

    Invariant to orthogonal maps of either side and to the scale of an
    example.

    Args:
        teacher: `(batch, dim)`.
        student: `(batch, dim)`; the dimensions may differ.

    Returns:
        `()`, float32.

    Reference: Passalis and Tefas, "Learning Deep Representations with
    Probabilistic Knowledge Transfer", 2018, https://arxiv.org/abs/1803.10837.
    """
    p, q = _neighbourhoods(teacher), _neighbourhoods(student)
    return ops.mean(p * (ops.log(p + EPSILON) - ops.log(q + EPSILON)))


@keras.saving.register_keras_serializable("keras_artkd")
class ProbabilisticTransfer(EmbeddingLoss):
    """`probabilistic_transfer` of pooled features.

    Args:
        pair: `(teacher endpoint, student endpoint)`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """A scalar."""
        return probabilistic_transfer(*map(pooled, self.read(teacher, student)))


def _neighbourhoods(rows: Tensor) -> Tensor:
    # Rounding takes the cosine of opposite rows below -1.
    similarity = ops.maximum(gram(unit(rescaled(rows))) + 1.0, 0.0) / 2.0
    return similarity / ops.sum(similarity, axis=-1, keepdims=True)
