"""Instance relationship graph (IRG): distances between a batch's examples."""

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, PairedLoss, Shape
from keras_artkd.losses.ops import gram, pooled, rescaled
from keras_artkd.types import Tensor

# A batch whose largest distance is below this, relative to the largest feature,
# is a single point: its distances are lost in rounding.
SAME = 1e-6


def instance_edges(teacher: Tensor, student: Tensor) -> Tensor:
    """Mean squared difference of the edges of two graphs.

    The vertices of a graph are the examples of a batch. Its edges are the
    squared distances of their features over the largest of them, as in the
    authors' code. Invariant to rotation, translation and scale of either side.

    Args:
        teacher: `(batch, dim)`.
        student: `(batch, dim)`; the dimensions may differ.

    Returns:
        `()`, float32, the mean over all pairs, those with itself included.

    Reference: Liu et al., "Knowledge Distillation via Instance Relationship
    Graph", CVPR 2019, and its authors' code,
    https://github.com/yufanLIU/IRG.
    """
    return ops.mean(ops.square(_edges(teacher) - _edges(student)))


def edge_transformation(
    teacher: Sequence[Tensor], student: Sequence[Tensor]
) -> Tensor:
    """Squared difference of how far two layers move the edges.

    A layer pair's transformation is the mean squared difference of the edges
    of its two graphs, `instance_edges` of its own two layers.

    Args:
        teacher: two of `(batch, dim)`, the shallower first.
        student: the same; all four dimensions may differ.

    Returns:
        `()`, float32.

    Reference: as `instance_edges`, the edges' part of the transformation.
    """
    return ops.square(instance_edges(*teacher) - instance_edges(*student))


@keras.saving.register_keras_serializable("keras_artkd")
class InstanceEdges(PairedLoss):
    """`instance_edges` of pooled features, averaged over pairs of layers.

    Networks may differ in channels and in resolution. Memory and time are
    those of a few `(batch, batch)` matrices.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names; one teacher's
            endpoint may guide several of the student's.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Nothing to make: vectors are as good as maps."""

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """A scalar."""
        values = [
            instance_edges(pooled(teacher[taught]), pooled(student[learnt]))
            for taught, learnt in self.pairs
        ]
        return ops.mean(ops.stack(values))


@keras.saving.register_keras_serializable("keras_artkd")
class EdgeTransformation(PairedLoss):
    """`edge_transformation` of neighbouring pairs, averaged.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names, shallow to deep,
            two at least; by default the three groups of a wide ResNet.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Checks that there is a way from one layer to the next."""
        if len(self.pairs) < 2:
            raise ValueError(
                "`pairs` must have two pairs of endpoints at least, from one "
                f"to the next. Received: pairs={self.pairs}. Fix: networks "
                "with two groups or more."
            )

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """A scalar."""
        taught = [pooled(teacher[name]) for name, _ in self.pairs]
        learnt = [pooled(student[name]) for _, name in self.pairs]
        values = [
            edge_transformation(taught[i : i + 2], learnt[i : i + 2])
            for i in range(len(self.pairs) - 1)
        ]
        return ops.mean(ops.stack(values))


def _edges(rows: Tensor) -> Tensor:
    """Squared distances over the largest, `(batch, batch)`, in [0, 1]."""
    rows = rescaled(rows)
    # Distances stay, and the products below do not lose them to rounding.
    rows = rows - ops.mean(rows, axis=0, keepdims=True)
    norms = ops.sum(ops.square(rows), axis=-1)
    squared = ops.expand_dims(norms, 0) + ops.expand_dims(norms, 1)
    squared = ops.maximum(squared - 2.0 * gram(rows), 0.0)
    largest = ops.max(squared)
    apart = largest > SAME**2
    return ops.where(apart, squared / ops.where(apart, largest, 1.0), 0.0)
