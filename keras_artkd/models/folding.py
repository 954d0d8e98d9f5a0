"""What lies between convolutions, computed with the convolution before it.

Batch normalisation with statistics that are kept is a product and a sum with
constants, which the kernel can take in. The sum with a shortcut is one that
TensorFlow can compute within the convolution. A map is then read and written
once, not three times.
"""

import itertools
import os
from typing import Any

import keras
from keras import layers, ops

from keras_artkd.layers.batch_normalization import BatchNormalization
from keras_artkd.types import Tensor

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D)


def fold(inputs: Tensor, outputs: Any, trained: bool = False) -> keras.Model:
    """A functional model, whose normalisation and sums are folded.

    It has the layers and weights of the graph: what trains one trains both.
    It calls the layers once more, which leaves a node at each. What a layer
    does is read now: an activation that is set later is not seen.

    Args:
        inputs: `keras.KerasTensor` with which the graph begins.
        outputs: those with which it ends, as `keras.Model` takes them.
        trained: whether it is one that a step trains. Folded is then the
            normalisation that does not learn, now; if it comes to learn, it is
            not any more.

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
    summed = _summed(network, following)
    if not pairs and not summed:
        return network
    norms = {id(norm) for _, norm in pairs.values()}

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if id(layer) in summed:
            return ZeroBias(dtype=layer.dtype_policy)(layer(*args, **kwargs))
        if id(layer) not in norms and id(layer) not in pairs:
            return layer(*args, **kwargs)
        x = args[0] if args else kwargs["inputs"]
        return x if id(layer) in norms else FoldedLayer(*pairs[id(layer)])(x)

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
        # So that weights are multiplied before they are rounded to bfloat16.
        super().__init__(dtype=norm.variable_dtype, autocast=False)
        self.layer = layer
        self.norm = norm
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Both as one operation, or each where the second learns."""
        if training and self.norm.trainable:
            return self.norm(self.layer(inputs), training=training)
        x, kernel, bias = (
            ops.cast(tensor, self.norm.compute_dtype)
            for tensor in (inputs, *folded_weights(self.layer, self.norm))
        )
        return ops.add(product(self.layer, x, kernel), bias)


class ZeroBias(layers.Layer):
    """A bias of zeros between a convolution and a sum.

    TensorFlow's oneDNN kernels compute a convolution, its bias and a sum in
    one operation, but no convolution and sum without a bias.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """The zeros. TensorFlow would remove them if they were constant."""
        import tensorflow as tf

        zeros = tf.zeros([input_shape[-1]])
        self.zeros = tf.Variable(zeros, trainable=False, name="zeros")

    def call(self, inputs: Tensor) -> Tensor:
        """The input."""
        import tensorflow as tf

        return tf.nn.bias_add(inputs, tf.cast(self.zeros, inputs.dtype))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """The input's."""
        return input_shape


def _summed(network: keras.Model, following: dict[int, Any]) -> set[int]:
    """The `id` of the convolutions that need a bias, one for each sum."""
    without_onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
    if keras.backend.backend() != "tensorflow" or without_onednn:
        return set()
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return set()
    found: dict[int, int] = {}
    for layer in network.operations:
        reader = following.get(id(layer))
        if (
            type(layer) is layers.Conv2D
            and type(reader) is layers.Add
            and has_weights(layer)
            and not layer.use_bias
            and layer.activation is keras.activations.linear
            and layer.compute_dtype in ("float32", "bfloat16")
        ):
            found.setdefault(id(reader), id(layer))
    return set(found.values())


def folded_weights(
    layer: layers.Layer, norm: layers.BatchNormalization
) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a layer that normalises, too.

    Args:
        layer: as of `FoldedLayer`.
        norm: as of `FoldedLayer`; its moving statistics count.
    """
    scale, offset = scale_and_offset(norm)
    kernel = ops.convert_to_tensor(layer.kernel)
    if layer.use_bias:
        offset = offset + layer.bias * scale
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
            x,
            kernel,
            layer.strides,
            layer.padding,
            layer.data_format,
            layer.dilation_rate,
        )
    return layer.convolution_op(x, kernel)


def following_operations(network: keras.Model) -> dict[int, Any]:
    """The one operation that reads what an operation answers.

    Args:
        network: functional `keras.Model`.

    Returns:
        dict of the `id` of an operation -> operation, of those that are
        called once and read once, by one that is called once.
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
        and len(calls[id(reading[0])]) == 1
    }


def foldable(
    layer: Any, following: dict[int, Any]
) -> layers.BatchNormalization | None:
    """The batch normalisation that a layer can take in.

    Both are layers of Keras's or this package's, not of a class made of them,
    whose `call` may do more; in one precision that has at least float32's
    range, with weights in no less than float32; and without a loss of their
    own.

    Args:
        layer: an operation of a functional model.
        following: see `following_operations`.
    """
    norm = following.get(id(layer))
    if (
        has_weights(layer)
        and layer.activation is keras.activations.linear
        and norm is not None
        and type(norm) in (layers.BatchNormalization, BatchNormalization)
        and norm.axis in (-1, 3 if type(layer) in _CONVOLUTIONS else -1)
        and layer.compute_dtype == norm.compute_dtype
        and layer.compute_dtype in ("float32", "float64", "bfloat16")
        and layer.variable_dtype == norm.variable_dtype
        and layer.variable_dtype in ("float32", "float64")
        and layer.quantization_mode is None
        and layer.activity_regularizer is norm.activity_regularizer is None
    ):
        return norm
    return None


def has_weights(layer: Any) -> bool:
    """Whether a layer is one of Keras's with a kernel, channels last."""
    if type(layer) not in (*_CONVOLUTIONS, layers.Dense):
        return False
    return getattr(layer, "data_format", "channels_last") == "channels_last"
