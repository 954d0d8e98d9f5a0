"""Gradient attention transfer: be sensitive to the pixels that matter."""

from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import Endpoints, TransferLoss
from keras_artkd.losses.ops import check_choice, root
from keras_artkd.types import Tensor

INPUT_GRADIENT = "input_gradient"
"""The endpoint that a distiller offers where a loss reads it."""

NORMS = ("l2", "squared")


def gradient_attention(
    teacher_gradient: Tensor, student_gradient: Tensor, norm: str = "l2"
) -> Tensor:
    """Half the distance between two networks' gradients at their input.

    Args:
        teacher_gradient: `(batch, height, width, channels)`, `J_T = dL/dx`.
        student_gradient: the same of the student, `J_S`.
        norm: `"l2"` (default), `||J_S - J_T|| / 2` as equation 4 prints it; or
            `"squared"`, `||J_S - J_T||^2 / 2`, whose derivative is what
            equation 5 prints, `(J_S - J_T) d^2L/dW dx`.

    Returns:
        `(batch,)`, float32.

    Reference: Zagoruyko and Komodakis, "Paying More Attention to Attention",
    2017, https://arxiv.org/abs/1612.03928, section 3.2, equations 3 to 5.
    """
    check_choice("norm", norm, NORMS)
    difference = ops.cast(student_gradient, "float32") - ops.cast(
        teacher_gradient, "float32"
    )
    squared = ops.sum(ops.square(difference), axis=(1, 2, 3))
    return 0.5 * (root(squared) if norm == "l2" else squared)


@keras.saving.register_keras_serializable("keras_artkd")
class GradientAttention(TransferLoss):
    """Gradient attention transfer, see `gradient_attention`.

    Reads `input_gradient`, which a distiller adds to the endpoints of the
    networks of such a loss: the gradient of each example's cross-entropy by
    its image, `(batch, height, width, 3)`, float32, in nats for a whole range
    of brightness (pixels of 0 to 1). The student learns from it by a gradient
    of a gradient. With TensorFlow and JAX: `keras.ops` has no gradient.

    Args:
        norm: see `gradient_attention`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    teacher_endpoints = (INPUT_GRADIENT,)
    student_endpoints = (INPUT_GRADIENT,)

    def __init__(
        self, norm: str = "l2", teacher: str = "expert", **kwargs: Any
    ) -> None:
        super().__init__(teacher=teacher, **kwargs)
        check_choice("norm", norm, NORMS)
        self.norm = norm

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`gradient_attention` of the two gradients."""
        return gradient_attention(
            teacher[INPUT_GRADIENT], student[INPUT_GRADIENT], self.norm
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "norm": self.norm}
