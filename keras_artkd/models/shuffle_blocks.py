"""Parts of both ShuffleNets."""

from keras import layers, ops

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    apply_batch_norm,
    apply_conv,
    apply_conv_bn_relu,
    apply_depthwise_conv,
    apply_imagenet_stem,
)
from keras_artkd.types import Tensor

STEM_FILTERS = 24


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Takes one channel of each group in turn.

    Args:
        x: `(batch, height, width, channels)` with static height and width.
        groups: int, a divisor of the channels, which lie group after group.

    Returns:
        The same channels: the first of every group, then the second, ...

    Example:
    >>> import numpy as np
    >>> x = np.arange(6.0).reshape(1, 1, 1, 6)
    >>> np.ravel(channel_shuffle(x, 2)).tolist()
    [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    """
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height, width, groups, channels // groups))
    x = ops.transpose(x, (0, 1, 2, 4, 3))
    return ops.reshape(x, (-1, height, width, channels))


def apply_grouped_pointwise(
    x: Tensor,
    filters: int,
    groups: int,
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies a 1x1 convolution, without bias, to each group of channels.

    Each group has its own layer: `Conv2D(groups=)` needs XLA on a CPU, and
    cannot be converted to ONNX.
    """
    if groups == 1:
        return apply_conv(x, filters, 1, dtype=dtype, name=name)
    parts = [
        apply_conv(part, filters // groups, 1, dtype=dtype, name=f"{name}{i}")
        for i, part in enumerate(ops.split(x, groups, axis=-1), start=1)
    ]
    return layers.Concatenate(dtype=dtype, name=f"{name}_concatenate")(parts)


def apply_stem(x: Tensor, small: bool, dtype: Policy = None) -> Tensor:
    """Applies a 1x1 stem, or for ImageNet 3x3 at stride 2 and a max pooling."""
    if small:
        return apply_conv_bn_relu(x, STEM_FILTERS, 1, dtype=dtype, name="stem")
    return apply_imagenet_stem(x, STEM_FILTERS, 3, dtype=dtype)


def apply_depthwise_bn(
    x: Tensor, strides: int = 1, dtype: Policy = None, name: str | None = None
) -> Tensor:
    """Applies a depthwise 3x3 convolution and batch normalisation."""
    x = apply_depthwise_conv(x, strides, dtype=dtype, name=f"{name}_conv")
    return apply_batch_norm(x, dtype=dtype, name=name)
