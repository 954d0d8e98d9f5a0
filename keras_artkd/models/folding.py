"""Batch normalisation folded into the convolution before it.

With statistics that are kept it is a product and a sum with constants, which
the kernel can take in: a map is then read and written once, not three times.
"""

import itertools
from typing import Any

import keras
from keras import layers, ops

from keras_artkd.types import Tensor

_WEIGHTED = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def fold(inputs: Tensor, outputs: Any, trained: bool = False) -> keras.Model:
    """A functional model, whose normalisation is folded.

    It has the layers and weights of the graph: what trains one trains both.

    Args:
        inputs: `keras.KerasTensor` with which the graph begins.
        outputs: those with which it ends, as `keras.Model` takes them.
        trained: whether it is one that a step trains. Folded is then what
            does not learn, now; if it comes to learn, it is not any more.

    Returns:
        `keras.Model`, of the same values to rounding.
    """
    network = keras.Model(inputs, outputs)
    following = following_operations(network)
    pairs = {
        id(layer): (layer, norm)
        for layer in network.operations
        if (norm := foldable(layer, following)) is not None
        and not (trained and norm.trainable)
    }
    if not pairs:
        return network
    norms = {id(norm) for _, norm in pairs.values()}

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if id(layer) in norms:
            return args[0]
        if id(layer) in pairs:
            return FoldedLayer(*pairs[id(layer)])(args[0])
        return layer(*args, **kwargs)

    return keras.models.clone_model(
        network, clone_function=lambda layer: layer, call_function=call
    )


class FoldedLayer(layers.Layer):
    """A convolution or `Dense` and the batch normalisation after it.

    Args:
        layer: `Conv2D`, `DepthwiseConv2D` or `Dense`, whose weights it uses.
        norm: the `BatchNormalization` after it, likewise.
    """

    def __init__(
        self, layer: layers.Layer, norm: layers.BatchNormalization
    ) -> None:
        super().__init__(dtype=norm.dtype_policy)
        self.layer = layer
        self.norm = norm

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Both as one operation, or each where the second learns."""
        if training and self.norm.trainable:
            return self.norm(self.layer(inputs), training=training)
        kernel, bias = folded_weights(self.layer, self.norm)
        dtype = self.compute_dtype
        x = product(self.layer, inputs, ops.cast(kernel, dtype))
        return ops.add(x, ops.cast(bias, dtype))


def folded_weights(
    layer: layers.Layer, norm: layers.BatchNormalization
) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a layer that normalises, too; float32.

    Args:
        layer: as of `FoldedLayer`.
        norm: as of `FoldedLayer`; its moving statistics count.
    """
    scale, offset = scale_and_offset(norm)
    kernel = ops.cast(layer.kernel, scale.dtype)
    if layer.use_bias:
        offset = offset + ops.cast(layer.bias, scale.dtype) * scale
    if isinstance(layer, layers.DepthwiseConv2D):
        # Channels are the last two axes.
        scale = ops.reshape(scale, kernel.shape[-2:])
    return kernel * scale, offset


def scale_and_offset(
    norm: layers.BatchNormalization,
) -> tuple[Tensor, Tensor]:
    """What batch normalisation does at inference: `x * scale + offset`."""
    scale = ops.rsqrt(norm.moving_variance + norm.epsilon)
    if norm.scale:
        scale = scale * norm.gamma
    offset = -norm.moving_mean * scale
    return scale, offset + norm.beta if norm.center else offset


def product(layer: layers.Layer, x: Tensor, kernel: Tensor) -> Tensor:
    """A layer's own operation with another kernel."""
    if isinstance(layer, layers.Dense):
        return ops.matmul(x, kernel)
    if isinstance(layer, layers.DepthwiseConv2D):
        return ops.depthwise_conv(
            x, kernel, layer.strides, layer.padding, None, layer.dilation_rate
        )
    return layer.convolution_op(x, kernel)


def following_operations(network: keras.Model) -> dict[int, Any]:
    """The one operation that reads what an operation answers.

    Args:
        network: functional `keras.Model`.

    Returns:
        dict of the `id` of an operation -> operation, of those that are
        called once and read once.
    """
    readers: dict[int, list[Any]] = {}
    calls: dict[int, list[Any]] = {}
    for node in itertools.chain(*network._nodes_by_depth.values()):
        calls.setdefault(id(node.operation), []).append(node)
        for tensor in node.input_tensors:
            readers.setdefault(id(tensor), []).append(node.operation)
    outputs = {id(tensor) for tensor in network.outputs}
    return {
        operation: reading[0]
        for operation, (node, *others) in calls.items()
        if not others
        and len(node.output_tensors) == 1
        and id(node.output_tensors[0]) not in outputs
        and len(reading := readers.get(id(node.output_tensors[0]), [])) == 1
    }


def foldable(
    layer: Any, following: dict[int, Any]
) -> layers.BatchNormalization | None:
    """The batch normalisation that a layer can take in.

    Args:
        layer: an operation of a functional model.
        following: see `following_operations`.
    """
    norm = following.get(id(layer))
    if (
        has_weights(layer)
        and layer.activation is keras.activations.linear
        and isinstance(norm, layers.BatchNormalization)
        and norm.axis in (-1, layer.output.ndim - 1)
    ):
        return norm
    return None


def has_weights(layer: Any) -> bool:
    """Whether a layer is one of channels last with a kernel."""
    if not isinstance(layer, _WEIGHTED):
        return False
    return getattr(layer, "data_format", "channels_last") == "channels_last"
