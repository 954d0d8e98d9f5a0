"""Parts of networks: pixels, convolutions, normalisation, stems.

Every function takes `dtype`, a policy or None for the global one, and `name`,
the name of the layer or the prefix of the layers' names.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import keras
from keras import layers

from keras_artkd.layers.defaults import Policy, batch_norm, he_normal
from keras_artkd.types import Tensor

Stem: TypeAlias = Literal["auto", "small", "imagenet"]

# Pixels to roughly zero mean and unit variance: (x / 255 - 0.5) / 0.25.
PIXEL_SCALE = 4.0 / 255.0
PIXEL_OFFSET = -2.0

# From this side on, `stem="auto"` reduces images early, as networks for
# ImageNet do.
IMAGENET_SIDE = 96


def apply_pixels(input_shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Makes the input of raw pixels in [0, 255], and its scaled values."""
    inputs = keras.Input(input_shape, name="pixels")
    rescaling = layers.Rescaling(
        PIXEL_SCALE, PIXEL_OFFSET, dtype="float32", name="rescaling"
    )
    return inputs, rescaling(inputs)


def apply_conv(
    x: Tensor,
    filters: int,
    kernel_size: int,
    strides: int = 1,
    use_bias: bool = False,
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies a convolution with PyTorch's padding, by default without bias.

    At stride 2 Keras's "same" pads one pixel only at the end, PyTorch pads one
    on each side. The weights of one do not fit the other.
    """
    x, padding = _pad(x, kernel_size, strides, dtype, name)
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=use_bias,
        kernel_initializer=he_normal("fan_out"),
        dtype=dtype,
        name=name,
    )(x)


def apply_depthwise_conv(
    x: Tensor, strides: int = 1, dtype: Policy = None, name: str | None = None
) -> Tensor:
    """Applies a depthwise 3x3 convolution, padded as in `apply_conv`."""
    x, padding = _pad(x, 3, strides, dtype, name)
    return layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding=padding,
        use_bias=False,
        # For a depthwise kernel, 9 x channels is Keras's fan-in and PyTorch's
        # fan-out.
        depthwise_initializer=he_normal("fan_in"),
        dtype=dtype,
        name=name,
    )(x)


def apply_batch_norm(
    x: Tensor, dtype: Policy = None, name: str | None = None
) -> Tensor:
    """Applies batch normalisation."""
    return batch_norm(dtype=dtype, name=f"{name}_bn")(x)


def apply_relu(
    x: Tensor,
    max_value: float | None = None,
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies a ReLU, with an upper limit if there is a `max_value`."""
    return layers.ReLU(max_value, dtype=dtype, name=f"{name}_relu")(x)


def apply_batch_norm_relu(
    x: Tensor,
    max_value: float | None = None,
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies batch normalisation, then a ReLU."""
    x = apply_batch_norm(x, dtype=dtype, name=name)
    return apply_relu(x, max_value, dtype=dtype, name=name)


def apply_conv_bn_relu(
    x: Tensor,
    filters: int,
    kernel_size: int,
    strides: int = 1,
    use_bias: bool = False,
    max_value: float | None = None,
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies a convolution, batch normalisation and a ReLU."""
    x = apply_conv(
        x, filters, kernel_size, strides, use_bias, dtype, f"{name}_conv"
    )
    return apply_batch_norm_relu(x, max_value, dtype=dtype, name=name)


def apply_pool(
    x: Tensor,
    pooling: Callable[..., layers.Layer],
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies a 3x3 pooling at stride 2, padded by one zero on each side.

    Args:
        x: a map. For a maximum it must come after a ReLU: PyTorch pads there
            with a number below all values.
        pooling: `layers.MaxPooling2D` or `layers.AveragePooling2D`.
        dtype: dtype policy.
        name: name of the pooling.
    """
    x, padding = _pad(x, 3, 2, dtype, name)
    return pooling(3, 2, padding, dtype=dtype, name=name)(x)


def apply_global_pool(
    x: Tensor, dtype: Policy = None, name: str | None = None
) -> Tensor:
    """Computes the average of each channel of a map."""
    return layers.GlobalAveragePooling2D(dtype=dtype, name=f"{name}_pool")(x)


def apply_imagenet_stem(
    x: Tensor, filters: int, kernel_size: int, dtype: Policy = None
) -> Tensor:
    """Applies the stem of networks for ImageNet: maps of a quarter's side."""
    x = apply_conv_bn_relu(x, filters, kernel_size, 2, dtype=dtype, name="stem")
    return apply_pool(x, layers.MaxPooling2D, dtype=dtype, name="stem_pool")


def choose_stem(stem: Stem, input_shape: Sequence[int]) -> Stem:
    """Resolves `stem="auto"` for images of this shape.

    Returns:
        `"small"`, which `"auto"` means for sides below 96 pixels, or
        `"imagenet"`.

    Raises:
        ValueError: for another `stem`, or an invalid shape.
    """
    check_input_shape(input_shape, stride=1)
    if stem not in ("auto", "small", "imagenet"):
        raise ValueError(
            "`stem` must be 'auto', 'small' or 'imagenet'. "
            f"Received: stem={stem!r}."
        )
    if stem != "auto":
        return stem
    return "small" if min(input_shape[:2]) < IMAGENET_SIDE else "imagenet"


def check_input_shape(
    input_shape: Sequence[int], stride: int, pixels: int = 2
) -> None:
    """Raises ValueError unless the last map is large enough.

    Args:
        input_shape: `(height, width, channels)`.
        stride: int, the factor by which a network reduces images.
        pixels: int, the smallest valid side of the last map.
    """
    static = all(isinstance(side, int) for side in input_shape)
    least = pixels * stride
    if len(input_shape) != 3 or not static or min(input_shape[:2]) < least:
        raise ValueError(
            "`input_shape` must be (height, width, 3) with sides of at least "
            f"{least} pixels: this network makes maps {stride} times smaller. "
            f"Received: input_shape={tuple(input_shape)}. "
            "Fix: use larger images, or a network (or `stem`) for small ones."
        )


def _pad(
    x: Tensor, kernel_size: int, strides: int, dtype: Policy, name: str | None
) -> tuple[Tensor, str]:
    """Pads a map if Keras's own padding differs from PyTorch's.

    Returns:
        The map, and the `padding` that remains for the layer.
    """
    if strides == 1 or kernel_size == 1:
        return x, "same"
    pad = layers.ZeroPadding2D(
        kernel_size // 2, dtype=dtype, name=f"{name}_pad"
    )
    return pad(x), "valid"


def apply_separable_unit(
    x: Tensor,
    filters: int,
    strides: int = 2,
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies two depthwise separable convolutions.

    Each is a depthwise 3x3 and a 1x1 convolution, batch normalisation and
    ReLU. The first has the strides (by default it halves the map) and keeps
    the number of channels. The second has `filters` channels.
    """
    steps = ((x.shape[-1], strides), (filters, 1))
    for i, (channels, step_strides) in enumerate(steps, start=1):
        x = apply_depthwise_conv(
            x,
            step_strides,
            dtype=dtype,
            name=f"{name}_{i}_depthwise_conv",
        )
        x = apply_conv_bn_relu(x, channels, 1, dtype=dtype, name=f"{name}_{i}")
    return x


def classifier(num_classes: int, name: str = "logits") -> layers.Dense:
    """Makes the layer from a vector to logits, float32 under any policy."""
    return layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.VarianceScaling(
            scale=1.0, mode="fan_in", distribution="uniform"
        ),
        dtype="float32",
        name=name,
    )
