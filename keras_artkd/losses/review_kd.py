"""Knowledge review (ReviewKD): deep levels of the student help shallow ones."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
from keras import ops

from keras_artkd.layers.pooling import pool_to
from keras_artkd.losses.attention_fusion import AttentionFusion
from keras_artkd.losses.base import GROUP_PAIRS, Endpoints, PairedLoss, Shape
from keras_artkd.losses.ops import pooled
from keras_artkd.types import Tensor

# Sides of the grids that maps are pooled to, in addition to the map itself.
GRIDS = (4, 2, 1)


def hierarchical_context(teacher: Tensor, student: Tensor) -> Tensor:
    """Squared differences of maps at several scales (HCL).

    Mean squared differences of the maps themselves and of their averages over
    grids of 4x4, 2x2 and 1x1 (those smaller than the map), weighted 1, 1/2,
    1/4, 1/8 and divided by the sum of the weights.

    Args:
        teacher: `(batch, height, width, channels)`.
        student: of the same shape.

    Returns:
        `(batch,)`, float32.

    Reference: Chen et al., "Distilling Knowledge via Knowledge Review", 2021,
    https://arxiv.org/abs/2104.09044, section 3.4.
    """
    difference = ops.cast(teacher, "float32") - ops.cast(student, "float32")
    # Pooling is linear: the difference of averages is the average of these.
    weight, weights = 1.0, 1.0
    total = ops.mean(ops.square(difference), axis=(1, 2, 3))
    for side in GRIDS:
        if side >= min(difference.shape[1:3]):
            continue
        weight /= 2.0
        weights += weight
        squared = ops.square(pool_to(difference, side, side))
        total = total + weight * ops.mean(squared, axis=(1, 2, 3))
    return total / weights


@keras.saving.register_keras_serializable("keras_artkd")
class ReviewKD(PairedLoss):
    """`hierarchical_context` of fused maps: knowledge review.

    From the deepest level, the pooled features, to the shallowest, each map
    of the student is fused with the residual of the deeper ones
    (`AttentionFusion`) and compared with the teacher's map of its level.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names of maps, shallow
            to deep; by default the three groups of a wide ResNet. The
            authors take the teacher's before their ReLU.
        pooled_pair: names of the features whose means over positions are the
            deepest level.
        max_filters: int, upper bound of the residual's channels; the
            student's pooled features may have fewer.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = GROUP_PAIRS,
        pooled_pair: tuple[str, str] = ("features", "features"),
        max_filters: int = 512,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pairs=pairs, teacher=teacher, **kwargs)
        self.pooled_pair = tuple(pooled_pair)
        self.max_filters = max_filters
        self.teacher_endpoints += self.pooled_pair[:1]
        self.student_endpoints += self.pooled_pair[1:]

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Makes the fusions, shallow to deep."""
        for teacher_name, student_name in self.pairs:
            self.pooled_shapes(
                (teacher_name, teacher_shape[teacher_name]),
                (student_name, student_shape[student_name]),
            )
        teacher_name, student_name = self.pooled_pair
        taught = [teacher_shape[name] for name, _ in self.pairs]
        learnt = [student_shape[name] for _, name in self.pairs]
        taught.append((None, 1, 1, teacher_shape[teacher_name][-1]))
        learnt.append((None, 1, 1, student_shape[student_name][-1]))
        mid_filters = min(self.max_filters, learnt[-1][-1])
        self.fusions = []
        for level, (target, source) in enumerate(
            zip(taught, learnt, strict=True)
        ):
            fusion = AttentionFusion(
                target[-1],
                mid_filters,
                size=target[1:3],
                fuse=level < len(self.pairs),
            )
            fusion.build(tuple(source))
            self.fusions.append(fusion)

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """Sum over the levels."""
        teacher_name, student_name = self.pooled_pair
        taught = [teacher[name] for name, _ in self.pairs]
        learnt = [student[name] for _, name in self.pairs]
        taught.append(_as_map(teacher[teacher_name]))
        learnt.append(_as_map(student[student_name]))
        total, residual = 0.0, None
        for target, source, fusion in zip(
            reversed(taught),
            reversed(learnt),
            reversed(self.fusions),
            strict=True,
        ):
            fused, residual = fusion(source, residual)
            total = total + hierarchical_context(target, fused)
        return total

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "pooled_pair": self.pooled_pair,
            "max_filters": self.max_filters,
        }


def _as_map(features: Tensor) -> Tensor:
    return ops.expand_dims(pooled(features), (1, 2))
