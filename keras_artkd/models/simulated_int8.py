"""A network that answers in training as its int8 file will.

It rounds where LiteRT's converter does: weights by output channel, with the
batch normalisation that follows folded in; activations by tensor, after the
ReLU that follows.
"""

from typing import Any

import keras
from keras import layers, ops

from keras_artkd.layers.fake_quantisation import (
    FakeQuantisation,
    fake_quantise_constant,
    fake_quantise_kernel,
)
from keras_artkd.models.folding import (
    foldable,
    folded_weights,
    following_operations,
    has_weights,
    product,
    scale_and_offset,
)
from keras_artkd.types import Tensor

# They answer with values of their input, in its range.
_MOVING = (
    layers.ZeroPadding2D,
    layers.Cropping2D,
    layers.MaxPooling2D,
    layers.GlobalMaxPooling2D,
    layers.Flatten,
    layers.Reshape,
    layers.Permute,
    layers.Dropout,
    layers.Identity,
)
_RELUS = (keras.activations.relu, keras.activations.relu6)


def simulate_int8(network: keras.Model) -> keras.Model:
    """A network with another's weights, rounded as in its int8 file.

    The weights are shared: what trains one changes both. Batch normalisation
    uses its moving statistics, in training too, as the file does. A layer of
    several operations is rounded at its end alone, and what is in it stays in
    floats.

    Args:
        network: functional `keras.Model` in float32, one image in, logits out.

    Returns:
        A functional `keras.Model` of the same input and output. Its ranges
        of activations are empty until it has seen images with
        `training=True`.

    Raises:
        ValueError: if none of its layers is a convolution or a `Dense`, as in
            a model that is one subclassed layer.
    """
    found: list[layers.Layer] = []
    simulated = _simulate(network, found)
    if not found:
        raise ValueError(
            "Training for int8 needs a functional network of convolutions or "
            f"Dense layers. Received: {network.name!r} with "
            f"{', '.join(type(x).__name__ for x in network.layers[:5])}. Fix: "
            "build it with keras.Input and keras.Model(inputs, logits)."
        )
    return simulated


def _simulate(network: keras.Model, found: list[layers.Layer]) -> keras.Model:
    # A plain graph, without what a class of networks adds to it.
    plain = keras.Model(network.inputs[0], network.outputs[0])
    following = following_operations(plain)
    folded = {
        id(norm): layer
        for layer in plain.operations
        if (norm := foldable(layer, following)) is not None
    }

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if id(layer) in folded:
            return args[0]
        if isinstance(layer, keras.Model) and getattr(layer, "outputs", None):
            return _simulate(layer, found)(*args, **kwargs)
        if isinstance(layer, _MOVING):
            return layer(*args, **kwargs)
        last = layer
        if has_weights(layer):
            norm = foldable(layer, following)
            x, last = IntegerWeights(layer, norm)(args[0]), norm or layer
            found.append(layer)
        elif isinstance(layer, layers.BatchNormalization):
            x = IntegerNormalisation(layer)(args[0])
        else:
            x = layer(*args, **kwargs)
        if _is_relu(following.get(id(last))):
            return x
        return keras.tree.map_structure(_rounded, x)

    return keras.models.clone_model(
        plain, clone_function=lambda layer: layer, call_function=call
    )


def _rounded(x: Tensor) -> Tensor:
    floats = keras.backend.is_float_dtype(x.dtype)
    return FakeQuantisation()(x) if floats else x


def _is_relu(layer: Any) -> bool:
    if isinstance(layer, layers.ReLU):
        # Of those that LiteRT computes within the operation before.
        return (
            layer.max_value in (None, 6.0)
            and not layer.negative_slope
            and not layer.threshold
        )
    return isinstance(layer, layers.Activation) and layer.activation in _RELUS


class IntegerNormalisation(layers.Layer):
    """Batch normalisation that no layer before it takes in.

    A product and a sum with constants, which are rounded by tensor.

    Args:
        norm: `BatchNormalization` of the last axis, whose weights it uses.
    """

    def __init__(self, norm: layers.BatchNormalization) -> None:
        super().__init__()
        self.norm = norm
        self.rounding = FakeQuantisation()

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Normalises by the moving statistics."""
        scale, offset = map(fake_quantise_constant, scale_and_offset(self.norm))
        x = self.rounding(inputs * scale, training=training)
        return x + offset


class IntegerWeights(layers.Layer):
    """A convolution or `Dense` whose weights are rounded.

    Args:
        layer: `Conv2D`, `DepthwiseConv2D` or `Dense`, whose weights it uses.
        norm: the `BatchNormalization` after it, folded in; or None.
    """

    def __init__(
        self, layer: layers.Layer, norm: layers.BatchNormalization | None
    ) -> None:
        super().__init__()
        self.layer = layer
        self.norm = norm
        fused = layer.activation in (keras.activations.linear, *_RELUS)
        self.rounding = None if fused else FakeQuantisation()

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Computes the layer, and the normalisation."""
        if self.norm is not None:
            kernel, bias = folded_weights(self.layer, self.norm)
        else:
            kernel = self.layer.kernel
            bias = self.layer.bias if self.layer.use_bias else None
        # Of a depthwise kernel the channels are its last two axes.
        depthwise = isinstance(self.layer, layers.DepthwiseConv2D)
        shape = kernel.shape
        channels = shape[-2] * shape[-1] if depthwise else shape[-1]
        flat = fake_quantise_kernel(ops.reshape(kernel, (-1, channels)))
        kernel = ops.reshape(flat, shape)
        x = product(self.layer, inputs, kernel)
        if bias is not None:
            x = x + bias
        if self.rounding is not None:
            x = self.rounding(x, training=training)
        return self.layer.activation(x)
