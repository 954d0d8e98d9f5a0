"""Sums of feature maps with trained weights."""

import keras
from keras import ops

# Keeps the division finite where no weight is positive.
EPSILON = 1e-6


@keras.saving.register_keras_serializable("keras_artkd")
class FastNormalizedFusion(keras.layers.Layer):
    """A weighted sum of maps whose weights are trained.

    With a trained number w_i for each map x_i:

        output = sum_i relu(w_i) x_i / (sum_j relu(w_j) + 1e-6)

    so that the weights are in [0, 1] and add up to one, without the
    exponentials of a softmax. They start equal.

    Call arguments:
        inputs: list of two maps or more, all of one shape.

    Output shape: that of each map.

    Raises:
        ValueError: for a single map, or maps of different shapes.

    Example:
    >>> maps = [keras.random.uniform((2, 8, 8, 16)) for _ in range(3)]
    >>> FastNormalizedFusion()(maps).shape
    (2, 8, 8, 16)

    Reference: Tan, Pang and Le, "EfficientDet: Scalable and Efficient Object
    Detection", 2020, https://arxiv.org/abs/1911.09070, section 3.3.
    """

    def build(self, input_shape):
        """Makes a weight for each map."""
        several = isinstance(input_shape[0], (list, tuple))
        shapes = [tuple(x) for x in input_shape] if several else [input_shape]
        if len(shapes) < 2 or len({shape[1:] for shape in shapes}) > 1:
            raise ValueError(
                "Maps to add up must be two or more, of one shape. "
                f"Received: {shapes} in layer {self.name!r}. Fix: resize the "
                "maps, and give them equal channels, before."
            )
        # Normalised in float32 whatever the policy: in half precision the
        # small constant would be lost.
        self.fusion_weights = self.add_weight(
            shape=(len(shapes),),
            initializer="ones",
            autocast=False,
            name="fusion_weights",
        )

    def call(self, inputs):
        """Computes the sum; see the class."""
        weights = ops.relu(self.fusion_weights)
        weights = weights / (ops.sum(weights) + EPSILON)
        weights = ops.cast(weights, self.compute_dtype)
        return sum(weights[i] * x for i, x in enumerate(inputs))

    def compute_output_shape(self, input_shape):
        """That of each map."""
        return tuple(input_shape[0])
