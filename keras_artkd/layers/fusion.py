"""Sums of feature maps with trained weights."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_artkd.types import Tensor

# Keeps the division finite if no weight is positive.
EPSILON = 1e-6


@keras.saving.register_keras_serializable("keras_artkd")
class FastNormalizedFusion(keras.layers.Layer):
    """A weighted sum of maps with trained weights.

    Each map x_i has a trained number w_i:

        output = sum_i relu(w_i) x_i / (sum_j relu(w_j) + 1e-6)

    The weights are in [0, 1] and their sum is one, without the exponentials
    of a softmax. At the start they are equal.

    Call arguments:
        inputs: list of two or more maps of the same shape.

    Output shape: that of each map.

    Raises:
        ValueError: for a single map, or for maps of different shapes.

    Example:
    >>> maps = [keras.random.uniform((2, 8, 8, 16)) for _ in range(3)]
    >>> FastNormalizedFusion()(maps).shape
    (2, 8, 8, 16)

    Reference: Tan, Pang and Le, "EfficientDet: Scalable and Efficient Object
    Detection", 2020, https://arxiv.org/abs/1911.09070, section 3.3.
    """

    def build(self, input_shape: Sequence[Any]) -> None:
        """Makes one weight for each map."""
        several = isinstance(input_shape[0], (list, tuple))
        shapes = [tuple(x) for x in input_shape] if several else [input_shape]
        if len(shapes) < 2 or len({shape[1:] for shape in shapes}) > 1:
            raise ValueError(
                "The maps to add must be two or more, of the same shape. "
                f"Received: {shapes} in layer {self.name!r}. Fix: first bring "
                "the maps to the same size and number of channels."
            )
        # Float32 under every policy: half precision would lose the small
        # constant.
        self.fusion_weights = self.add_weight(
            shape=(len(shapes),),
            initializer="ones",
            autocast=False,
            name="fusion_weights",
        )

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Computes the sum; see the class."""
        weights = ops.relu(self.fusion_weights)
        weights = weights / (ops.sum(weights) + EPSILON)
        weights = ops.cast(weights, self.compute_dtype)
        return sum(weights[i] * x for i, x in enumerate(inputs))

    def compute_output_shape(
        self, input_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        """Returns the shape of each map."""
        return tuple(input_shape[0])
