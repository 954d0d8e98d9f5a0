"""Relational distillation (RKD): distances and angles between examples."""

from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import EmbeddingLoss, Endpoints
from keras_artkd.losses.ops import pooled, rescaled, root, unit
from keras_artkd.types import Tensor

# Examples closer than this, relative to the largest feature, count as equal:
# the direction between them is lost in rounding.
SAME = 1e-6


def relational_distance(teacher: Tensor, student: Tensor) -> Tensor:
    """Huber loss of the distances between examples, over their mean.

    Invariant to rotation, translation and scale of either side. Needs memory
    for batch x batch x dim numbers.

    Args:
        teacher: `(batch, dim)`.
        student: `(batch, dim)`; the dimensions may differ.

    Returns:
        `()`, float32, the mean over all pairs, those with itself included.

    Reference: Park et al., "Relational Knowledge Distillation", 2019,
    https://arxiv.org/abs/1904.05068, eqs 5 and 6.
    """
    return _huber(_distances(teacher), _distances(student))


def relational_angle(teacher: Tensor, student: Tensor) -> Tensor:
    """Huber loss of the cosines of the angles in all triplets of examples.

    Invariant to rotation, translation and scale of either side. Needs memory
    for batch x batch x dim and batch x batch x batch numbers.

    Args:
        teacher: `(batch, dim)`.
        student: `(batch, dim)`; the dimensions may differ.

    Returns:
        `()`, float32, the mean over all triplets, degenerate ones (cosine 0)
        included.

    Reference: Park et al., "Relational Knowledge Distillation", 2019,
    https://arxiv.org/abs/1904.05068, eqs 7 and 8.
    """
    return _huber(_cosines(teacher), _cosines(student))


@keras.saving.register_keras_serializable("keras_artkd")
class RelationalKD(EmbeddingLoss):
    """`relational_distance` and `relational_angle` of pooled features.

    Args:
        distance_weight: float, of the distances. Defaults to 25.0.
        angle_weight: float, of the angles. Defaults to 50.0.
        pair: `(teacher endpoint, student endpoint)`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        distance_weight: float = 25.0,
        angle_weight: float = 50.0,
        pair: tuple[str, str] = ("features", "features"),
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pair=pair, teacher=teacher, **kwargs)
        self.distance_weight = distance_weight
        self.angle_weight = angle_weight

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """The weighted sum, a scalar."""
        taught, learnt = map(pooled, self.read(teacher, student))
        distance = relational_distance(taught, learnt)
        angle = relational_angle(taught, learnt)
        return self.distance_weight * distance + self.angle_weight * angle

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "distance_weight": self.distance_weight,
            "angle_weight": self.angle_weight,
        }


def _differences(rows: Tensor) -> Tensor:
    """`(batch, batch, dim)`, the second example minus the first."""
    rows = rescaled(rows)
    return ops.expand_dims(rows, 0) - ops.expand_dims(rows, 1)


def _distances(rows: Tensor) -> Tensor:
    squared = ops.sum(ops.square(_differences(rows)), axis=-1)
    distances = root(squared, SAME**2)
    count = ops.sum(ops.cast(distances > 0.0, "float32"))
    mean = ops.sum(distances) / ops.maximum(count, 1.0)
    return distances / ops.where(count > 0.0, mean, 1.0)


def _cosines(rows: Tensor) -> Tensor:
    directions = unit(_differences(rows), smallest=SAME)
    return ops.matmul(directions, ops.transpose(directions, (0, 2, 1)))


def _huber(teacher: Tensor, student: Tensor) -> Tensor:
    error = ops.abs(teacher - student)
    return ops.mean(
        ops.where(error < 1.0, 0.5 * ops.square(error), error - 0.5)
    )
