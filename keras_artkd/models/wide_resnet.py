"""Wide residual networks."""

import keras
from keras import layers

from keras_artkd.layers import AWGram

# Pixels to roughly zero mean and unit variance: (x / 255 - 0.5) / 0.25.
PIXEL_SCALE = 4.0 / 255.0
PIXEL_OFFSET = -2.0


@keras.saving.register_keras_serializable("keras_artkd")
class WideResNet(keras.Model):
    """Wide ResNet WRN-depth-width of pre-activation basic blocks.

    Takes raw pixels, float32 in [0, 255]; scaling is inside. No dropout.
    A 3x3 stem of 16 filters at stride 1, three groups of `(depth - 4) / 6`
    blocks with `16, 32, 64` times `width` filters at strides 1, 2, 2, batch
    normalisation, ReLU and the head.

    Endpoints: `group1`, `group2`, `group3` (raw group outputs, before the
    next batch normalisation), `features` (the last map after it and ReLU),
    `logits` (float32, no softmax).

    Args:
        depth: int, 6n + 4: 10, 16, 22, 28, 40, ...
        width: int >= 1, the widening factor.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels.
        head: `"pool"` (global average pooling), `"awgram"`, or an `AWGram`
            layer of your own; a `Dense` follows either.
        head_inputs: names of the one or two endpoints that an AWGram head
            reads: `("features",)` by default; `("group2", "group3")` gives
            the matrix between two layers.
        dtype: dtype policy, the global one by default; the logits are
            float32 whatever it is.

    Example:
    >>> model = WideResNet(16, 2, 100, input_shape=(32, 32, 3))
    >>> list(model.endpoints)
    ['group1', 'group2', 'group3', 'features', 'logits']

    Reference: Zagoruyko and Komodakis, "Wide Residual Networks", 2016,
    https://arxiv.org/abs/1605.07146; thesis 000, table 2.2.
    """

    def __init__(
        self,
        depth,
        width,
        num_classes,
        input_shape=(64, 64, 3),
        head="pool",
        head_inputs=("features",),
        dtype=None,
        name=None,
        trainable=True,
    ):
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(
                "`depth` must be 6n + 4 with n >= 1 (three groups of n "
                f"two-convolution blocks). Received: depth={depth}. "
                "Fix: use 10, 16, 22, 28, 34, 40, ..."
            )
        if width < 1 or num_classes < 1:
            raise ValueError(
                "`width` and `num_classes` must be at least 1. "
                f"Received: width={width}, num_classes={num_classes}."
            )
        head_layer = _as_head(head, dtype)

        # === Functional Model ===
        inputs = keras.Input(input_shape, name="pixels")
        x = layers.Rescaling(
            PIXEL_SCALE, PIXEL_OFFSET, dtype="float32", name="rescaling"
        )(inputs)
        x = apply_conv(x, 16, kernel_size=3, dtype=dtype, name="stem_conv")
        endpoints = {}
        for group in range(3):
            for block in range((depth - 4) // 6):
                x = apply_block(
                    x,
                    filters=16 * width * 2**group,
                    strides=2 if group > 0 and block == 0 else 1,
                    dtype=dtype,
                    name=f"group{group + 1}_block{block + 1}",
                )
            endpoints[f"group{group + 1}"] = x
        x = apply_batch_norm_relu(x, dtype=dtype, name="last")
        endpoints["features"] = x
        if head_layer is None:
            x = layers.GlobalAveragePooling2D(dtype=dtype, name="pool")(x)
        else:
            x = head_layer(_head_maps(endpoints, head_inputs))
        endpoints["logits"] = layers.Dense(
            num_classes,
            kernel_initializer=keras.initializers.VarianceScaling(
                scale=1.0, mode="fan_in", distribution="uniform"
            ),
            dtype="float32",
            name="logits",
        )(x)
        super().__init__(inputs=inputs, outputs=endpoints["logits"], name=name)
        # Afterwards: given to `super`, it would miss the layers.
        self.trainable = trainable

        # === Config ===
        # A functional model does not take a policy, yet `compile` looks at
        # it to decide on loss scaling.
        self.dtype_policy = keras.dtype_policies.get(
            dtype or keras.config.dtype_policy()
        )
        self.depth = depth
        self.width = width
        self.num_classes = num_classes
        self.head = head
        self.head_inputs = tuple(head_inputs)
        self.endpoints = endpoints

    def get_config(self):
        """Every constructor argument."""
        head = self.head
        if not isinstance(head, str):
            head = keras.saving.serialize_keras_object(head)
        return {
            "depth": self.depth,
            "width": self.width,
            "num_classes": self.num_classes,
            "input_shape": list(self.input_shape[1:]),
            "head": head,
            "head_inputs": list(self.head_inputs),
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuilds the network; weights are loaded separately."""
        config = dict(config)
        config["dtype"] = keras.dtype_policies.deserialize(config["dtype"])
        if not isinstance(config["head"], str):
            config["head"] = keras.saving.deserialize_keras_object(
                config["head"], custom_objects=custom_objects
            )
        return cls(**config)


def apply_conv(x, filters, kernel_size, strides=1, dtype=None, name=None):
    """A convolution without bias, padded as PyTorch pads it.

    At stride 2 Keras's "same" pads one pixel at the end only, PyTorch one on
    each side: the weights of one do not fit the other.
    """
    padding = "same"
    if strides > 1 and kernel_size > 1:
        pad = layers.ZeroPadding2D(
            kernel_size // 2, dtype=dtype, name=f"{name}_pad"
        )
        x, padding = pad(x), "valid"
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(
            scale=2.0, mode="fan_out", distribution="untruncated_normal"
        ),
        dtype=dtype,
        name=name,
    )(x)


def apply_batch_norm_relu(x, dtype=None, name=None):
    """Batch normalisation with PyTorch's constants, then ReLU."""
    x = layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, dtype=dtype, name=f"{name}_bn"
    )(x)
    return layers.ReLU(dtype=dtype, name=f"{name}_relu")(x)


def apply_block(x, filters, strides, dtype=None, name=None):
    """A pre-activation basic block.

    Where the channels change, the shortcut is a 1x1 convolution of the
    activated input; elsewhere it is the raw input.
    """
    shortcut = x
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}_1")
    if shortcut.shape[-1] != filters:
        shortcut = apply_conv(
            x, filters, 1, strides, dtype=dtype, name=f"{name}_shortcut"
        )
    x = apply_conv(x, filters, 3, strides, dtype=dtype, name=f"{name}_conv1")
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}_2")
    x = apply_conv(x, filters, 3, dtype=dtype, name=f"{name}_conv2")
    return layers.Add(dtype=dtype, name=f"{name}_add")([x, shortcut])


def _as_head(head, dtype):
    """The AWGram layer of a head, or None for pooling."""
    if head == "pool":
        return None
    if head == "awgram":
        return AWGram(dtype=dtype, name="awgram")
    if isinstance(head, AWGram):
        return head
    raise ValueError(
        "`head` must be 'pool', 'awgram' or an AWGram layer. "
        f"Received: head={head!r}."
    )


def _head_maps(endpoints, names):
    unknown = [name for name in names if name not in endpoints]
    if unknown or len(names) not in (1, 2):
        raise ValueError(
            "`head_inputs` must be one or two of "
            f"{', '.join(endpoints)}. Received: head_inputs={tuple(names)}."
        )
    maps = [endpoints[name] for name in names]
    return maps[0] if len(maps) == 1 else maps
