"""Rounding to 8 bits that a training sees, and whose gradient it keeps.

Reference: Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", 2018,
https://arxiv.org/abs/1712.05877.
"""

from typing import Any

import keras
from keras import ops

from keras_artkd.types import Tensor

# How much of the way a range goes to a narrower batch, in one step.
_NARROWING = 0.05
# Of a channel whose weights are all zero.
_LEAST = 1e-12


def fake_quantise_kernel(kernel: Tensor) -> Tensor:
    """Weights rounded as int8 holds them: symmetric, by output channel.

    A step is `max |w| / 127` of each channel, zero is exact. The gradient
    passes as if nothing was rounded ("straight through").

    Args:
        kernel: float32 `(..., channels)`.

    Returns:
        The rounded weights, of the same shape.
    """
    axes = tuple(range(len(kernel.shape) - 1))
    largest = ops.max(ops.abs(kernel), axis=axes, keepdims=True)
    step = ops.maximum(largest, _LEAST) / 127.0
    rounded = ops.round(kernel / step) * step
    # No weight is beyond the range, so none is without a gradient. Keras's
    # own function takes the largest for clipped where floats round it so.
    return kernel + ops.stop_gradient(rounded - kernel)


def fake_quantise(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Activations rounded to 256 steps of one range, zero exact.

    The range is moved by less than a step so that zero is one of them. The
    gradient passes where a value is within the range, and is zero beyond.

    Args:
        x: float32, of any shape.
        low: float32 scalar <= 0.
        high: float32 scalar >= 0.

    Returns:
        The rounded values, of the same shape.
    """
    rounded: Tensor = keras.quantizers.fake_quant_with_min_max_vars(
        x, low, ops.maximum(high, low + _LEAST)
    )
    return rounded


def fake_quantise_constant(x: Tensor) -> Tensor:
    """A constant of the graph, rounded to 256 steps of its own range.

    Args:
        x: float32, of any shape.

    Returns:
        The rounded values; the gradient passes straight through.
    """
    low, high = _range(x)
    return x + ops.stop_gradient(fake_quantise(x, low, high) - x)


def _range(x: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the largest value, and zero between them."""
    return ops.minimum(ops.min(x), 0.0), ops.maximum(ops.max(x), 0.0)


class FakeQuantisation(keras.layers.Layer):
    """Rounds activations to 8 bits, in a range that follows the batches.

    In training the range widens to that of a batch at once, and narrows to it
    slowly. It is near the least and the largest value of many images, which
    is the range that an export gives to a tensor; the usual average of the
    batches' ranges is narrower.

    Call arguments:
        inputs: float32 activations, of any shape.
        training: bool, whether the range follows the inputs.

    Output shape: that of the inputs.
    """

    def build(self, input_shape: Any) -> None:
        """Makes the range, empty."""
        self.low, self.high = (
            self.add_weight(
                shape=(), initializer="zeros", trainable=False, name=name
            )
            for name in ("low", "high")
        )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Rounds; see the class."""
        if training:
            low, high = _range(ops.stop_gradient(inputs))
            low = ops.minimum(low, self.low + _NARROWING * (low - self.low))
            high = ops.maximum(
                high, self.high + _NARROWING * (high - self.high)
            )
            self.low.assign(low)
            self.high.assign(high)
        return fake_quantise(inputs, self.low, self.high)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the inputs."""
        return input_shape
