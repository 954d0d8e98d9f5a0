"""Attention transfer: look where the teacher looks."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import ops

from keras_artkd.layers.pooling import pool_to_smaller
from keras_artkd.losses.base import GROUP_PAIRS, Endpoints, PairedLoss
from keras_artkd.losses.ops import check_choice, root
from keras_artkd.types import Tensor

MAPPINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": lambda x: ops.sum(ops.abs(x), axis=-1),
    "sum2": lambda x: ops.sum(ops.square(x), axis=-1),
    "sum4": lambda x: ops.sum(ops.square(ops.square(x)), axis=-1),
    "max2": lambda x: ops.max(ops.square(x), axis=-1),
}
NORMS = ("l2", "mse")


def attention_map(features: Tensor, mapping: str = "sum2") -> Tensor:
    """A network's activity at each position, as a unit vector.

    Args:
        features: `(batch, height, width, channels)`.
        mapping: over the channels, `"sum"` of |A|, `"sum2"` of |A|^2
            (default), `"sum4"` of |A|^4, or `"max2"`, the maximum of |A|^2.

    Returns:
        `(batch, height * width)`, float32, L2 norm 1 (0 for an all-zero map).

    Reference: Zagoruyko and Komodakis, "Paying More Attention to Attention",
    2017, https://arxiv.org/abs/1612.03928; thesis 000, eqs 2.10-2.12. The
    thesis calls `max2` gradient-based; its equation is not.
    """
    check_choice("mapping", mapping, MAPPINGS)
    features = ops.cast(features, "float32")
    # Cancels in the result; fourth powers leave float32 without it.
    largest = ops.max(ops.abs(features), axis=(1, 2, 3), keepdims=True)
    features = features / ops.stop_gradient(ops.maximum(largest, 1e-30))
    energy = MAPPINGS[mapping](features)
    energy = ops.reshape(energy, (-1, energy.shape[1] * energy.shape[2]))
    squared = ops.sum(ops.square(energy), axis=-1, keepdims=True)
    return energy * ops.rsqrt(ops.maximum(squared, 1e-24))


def attention_transfer(
    teacher_features: Tensor,
    student_features: Tensor,
    mapping: str = "sum2",
    norm: str = "l2",
) -> Tensor:
    """Distance between the attention maps of one pair of feature maps.

    Maps of different size are average-pooled to the smaller; channels may
    differ.

    Args:
        teacher_features: `(batch, height, width, channels)`.
        student_features: `(batch, height, width, channels)`.
        mapping: see `attention_map`.
        norm: `"l2"` (default), the un-squared Euclidean distance of thesis
            000, eq 3.14, in [0, sqrt(2)]; or `"mse"`, the mean over positions
            of the squared difference, as in the authors' code, which needs a
            weight near 1000.

    Returns:
        `(batch,)`, float32.
    """
    check_choice("norm", norm, NORMS)
    teacher, student = pool_to_smaller(
        ops.cast(teacher_features, "float32"),
        ops.cast(student_features, "float32"),
    )
    squared = ops.square(
        attention_map(teacher, mapping) - attention_map(student, mapping)
    )
    if norm == "mse":
        return ops.mean(squared, axis=-1)
    # Zero where teacher and student agree.
    return root(ops.sum(squared, axis=-1))


@keras.saving.register_keras_serializable("keras_artkd")
class AttentionTransfer(PairedLoss):
    """Attention transfer summed over pairs of maps, see `attention_transfer`.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names; by default the
            three groups of a wide ResNet.
        mapping: see `attention_map`.
        norm: see `attention_transfer`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = GROUP_PAIRS,
        mapping: str = "sum2",
        norm: str = "l2",
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pairs=pairs, teacher=teacher, **kwargs)
        check_choice("mapping", mapping, MAPPINGS)
        check_choice("norm", norm, NORMS)
        self.mapping = mapping
        self.norm = norm

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """Sum over the pairs."""
        return sum(
            attention_transfer(
                teacher[teacher_name],
                student[student_name],
                self.mapping,
                self.norm,
            )
            for teacher_name, student_name in self.pairs
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "mapping": self.mapping,
            "norm": self.norm,
        }
