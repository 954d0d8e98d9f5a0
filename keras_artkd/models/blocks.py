"""What networks are made of: pixels, convolutions, normalisation, stems.

Every function takes `dtype`, a policy or None for the global one, and `name`,
of the layer or the beginning of the layers' names.
"""

import keras
from keras import layers

from keras_artkd.layers.defaults import batch_norm, he_normal

# Pixels to roughly zero mean and unit variance: (x / 255 - 0.5) / 0.25.
PIXEL_SCALE = 4.0 / 255.0
PIXEL_OFFSET = -2.0

# Sides from which `stem="auto"` reduces images early, as ImageNet's networks.
IMAGENET_SIDE = 96


def apply_pixels(input_shape):
    """The input of raw pixels in [0, 255], and its scaled values."""
    inputs = keras.Input(input_shape, name="pixels")
    rescaling = layers.Rescaling(
        PIXEL_SCALE, PIXEL_OFFSET, dtype="float32", name="rescaling"
    )
    return inputs, rescaling(inputs)


def apply_conv(
    x, filters, kernel_size, strides=1, use_bias=False, dtype=None, name=None
):
    """A convolution padded as PyTorch pads it, by default without bias.

    At stride 2 Keras's "same" pads one pixel at the end only, PyTorch one on
    each side: the weights of one do not fit the other.
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


def apply_depthwise_conv(x, strides=1, dtype=None, name=None):
    """A depthwise 3x3 convolution without bias, padded as `apply_conv`."""
    x, padding = _pad(x, 3, strides, dtype, name)
    return layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding=padding,
        use_bias=False,
        # Of a depthwise kernel Keras calls 9 x channels the fan-in, PyTorch
        # the fan-out.
        depthwise_initializer=he_normal("fan_in"),
        dtype=dtype,
        name=name,
    )(x)


def apply_batch_norm(x, dtype=None, name=None):
    """Batch normalisation."""
    return batch_norm(dtype=dtype, name=f"{name}_bn")(x)


def apply_relu(x, max_value=None, dtype=None, name=None):
    """A ReLU, which may end at a largest value."""
    return layers.ReLU(max_value, dtype=dtype, name=f"{name}_relu")(x)


def apply_batch_norm_relu(x, max_value=None, dtype=None, name=None):
    """Batch normalisation, then ReLU."""
    x = apply_batch_norm(x, dtype=dtype, name=name)
    return apply_relu(x, max_value, dtype=dtype, name=name)


def apply_conv_bn_relu(
    x,
    filters,
    kernel_size,
    strides=1,
    use_bias=False,
    max_value=None,
    dtype=None,
    name=None,
):
    """A convolution, batch normalisation and ReLU."""
    x = apply_conv(
        x, filters, kernel_size, strides, use_bias, dtype, f"{name}_conv"
    )
    return apply_batch_norm_relu(x, max_value, dtype=dtype, name=name)


def apply_pool(x, pooling, dtype=None, name=None):
    """A 3x3 pooling at stride 2 that pads one zero on each side.

    Args:
        x: a map; after a ReLU where `pooling` takes the maximum, for which
            PyTorch pads what is less than any value.
        pooling: `layers.MaxPooling2D` or `layers.AveragePooling2D`.
        dtype: dtype policy.
        name: of the pooling.
    """
    x, padding = _pad(x, 3, 2, dtype, name)
    return pooling(3, 2, padding, dtype=dtype, name=name)(x)


def apply_global_pool(x, dtype=None, name=None):
    """The average of each channel of a map."""
    return layers.GlobalAveragePooling2D(dtype=dtype, name=f"{name}_pool")(x)


def apply_imagenet_stem(x, filters, kernel_size, dtype=None):
    """The stem of networks for ImageNet: maps of a quarter of the image."""
    x = apply_conv_bn_relu(x, filters, kernel_size, 2, dtype=dtype, name="stem")
    return apply_pool(x, layers.MaxPooling2D, dtype=dtype, name="stem_pool")


def choose_stem(stem, input_shape):
    """What `stem="auto"` means for images of this shape.

    Returns:
        `"small"`, for sides below 96 pixels, or `"imagenet"`.

    Raises:
        ValueError: for another `stem`, or a shape that is none.
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


def check_input_shape(input_shape, stride, pixels=2):
    """Raises ValueError unless the last map is large enough.

    Args:
        input_shape: `(height, width, channels)`.
        stride: int, by which a network reduces images.
        pixels: int, the least that a side of the last map may have.
    """
    static = all(isinstance(side, int) for side in input_shape)
    least = pixels * stride
    if len(input_shape) != 3 or not static or min(input_shape[:2]) < least:
        raise ValueError(
            f"`input_shape` must be (height, width, 3) of {least} pixels "
            f"a side or more: this network makes maps {stride} times smaller. "
            f"Received: input_shape={tuple(input_shape)}. "
            "Fix: larger images, or a network (or `stem`) for small ones."
        )


def _pad(x, kernel_size, strides, dtype, name):
    """The map, padded where Keras's own padding is not PyTorch's."""
    if strides == 1 or kernel_size == 1:
        return x, "same"
    pad = layers.ZeroPadding2D(
        kernel_size // 2, dtype=dtype, name=f"{name}_pad"
    )
    return pad(x), "valid"


def apply_separable_unit(x, filters, strides=2, dtype=None, name=None):
    """Two depthwise separable convolutions, which by default halve the map.

    Each is a depthwise 3x3 and a 1x1 convolution, batch normalisation and
    ReLU. The first has the strides and keeps the channels, the second gives
    `filters`.
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


def classifier(num_classes, name="logits"):
    """The layer from a vector to logits, float32 whatever the policy."""
    return layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.VarianceScaling(
            scale=1.0, mode="fan_in", distribution="uniform"
        ),
        dtype="float32",
        name=name,
    )
