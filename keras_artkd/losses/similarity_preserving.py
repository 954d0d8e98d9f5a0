"""Similarity-preserving distillation (SP): which examples resemble which."""

import keras
from keras import ops

from keras_artkd.losses.base import EmbeddingLoss, Endpoints
from keras_artkd.losses.ops import gram, rescaled, unit
from keras_artkd.types import Tensor


def similarity_preserving(teacher: Tensor, student: Tensor) -> Tensor:
    """Squared distance of the row-normalised Gram matrices, over batch^2.

    Invariant to orthogonal maps and to the scale of either side.

    Args:
        teacher: `(batch, dim)`, or maps, which are flattened.
        student: the same; the dimensions may differ.

    Returns:
        `()`, float32.

    Reference: Tung and Mori, "Similarity-Preserving Knowledge Distillation",
    2019, https://arxiv.org/abs/1907.09682.
    """
    difference = _similarities(teacher) - _similarities(student)
    return ops.mean(ops.square(difference))


@keras.saving.register_keras_serializable("keras_artkd")
class SimilarityPreserving(EmbeddingLoss):
    """`similarity_preserving` of the last feature maps, flattened.

    Args:
        pair: `(teacher endpoint, student endpoint)`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """A scalar."""
        return similarity_preserving(*self.read(teacher, student))


def _similarities(features: Tensor) -> Tensor:
    features = ops.convert_to_tensor(features)
    size = 1
    for side in features.shape[1:]:
        size *= side
    return unit(gram(rescaled(ops.reshape(features, (-1, size)))))
