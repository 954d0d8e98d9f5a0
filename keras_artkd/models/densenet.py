"""Densely connected networks."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    Stem,
    apply_batch_norm,
    apply_batch_norm_relu,
    apply_conv,
    apply_imagenet_stem,
    apply_pixels,
    apply_relu,
    check_input_shape,
    choose_stem,
)
from keras_artkd.models.network import ClassificationNetwork
from keras_artkd.types import Tensor

# A layer's 1x1 convolution has so many times the growth rate's channels.
BOTTLENECK = 4


@keras.saving.register_keras_serializable("keras_artkd")
class DenseNet(ClassificationNetwork):
    """DenseNet-BC: every layer of a block reads all layers before it.

    The input is raw pixels, float32 in [0, 255]; scaling is inside. The
    network has a stem of twice the growth rate's filters, dense blocks, each
    followed by batch normalisation and ReLU, transitions between them (a 1x1
    convolution to half of the channels, average pooling by two), pooling and
    `Dense`. A layer of a block adds the growth rate's channels by batch
    normalisation, ReLU and a 1x1 convolution, then the same with 3x3.

    Endpoints: `group<i>` (a dense block's raw output, before the next batch
    normalisation), `features` (the last after it and ReLU), `logits` (float32,
    no softmax). `get_endpoints` also has `preactivation<i>`, the blocks'
    outputs after the next batch normalisation and before its ReLU, which OFD,
    AB and ReviewKD compare.

    Args:
        num_layers: layers of each dense block: `(6, 12, 24, 16)` is
            DenseNet-121.
        growth_rate: int >= 1.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels; the sides of the last map
            must be at least 2.
        stem: `"small"` (only a 3x3 convolution at stride 1, as CS-KD has it
            for 32 pixels), `"imagenet"` (7x7 at stride 2 and a max pooling:
            maps of a quarter of the image's sides), or `"auto"`: small for
            sides below 96 pixels.
        dtype: see `ClassificationNetwork`.
        **kwargs: see `ClassificationNetwork`: `head`, `head_inputs`, `name`,
            `trainable`.

    Raises:
        ValueError: for invalid arguments.

    Example:
    >>> model = DenseNet((2, 2, 2), 8, 10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["group2"].shape)
    (None, 16, 16, 32)

    Reference: Huang et al., "Densely Connected Convolutional Networks", 2016,
    https://arxiv.org/abs/1608.06993; for small images: Yun et al.,
    "Regularizing Class-wise Predictions via Self-knowledge Distillation",
    2020, https://arxiv.org/abs/2003.13964.
    """

    def __init__(
        self,
        num_layers: Sequence[int],
        growth_rate: int,
        num_classes: int,
        input_shape: Sequence[int] = (64, 64, 3),
        stem: Stem = "auto",
        dtype: Policy = None,
        **kwargs: Any,
    ) -> None:
        num_layers = tuple(num_layers)
        if not num_layers or min(*num_layers, growth_rate) < 1:
            raise ValueError(
                "`num_layers` must have a number for each dense block; they "
                "and `growth_rate` must be at least 1. Received: "
                f"num_layers={num_layers}, growth_rate={growth_rate}."
            )
        small = choose_stem(stem, input_shape) == "small"
        stride = 2 ** (len(num_layers) - 1)
        check_input_shape(input_shape, stride if small else 4 * stride)

        inputs, x = apply_pixels(input_shape)
        if small:
            # The first layer starts with batch normalisation and ReLU.
            x = apply_conv(x, 2 * growth_rate, 3, dtype=dtype, name="stem_conv")
        else:
            x = apply_imagenet_stem(x, 2 * growth_rate, 7, dtype=dtype)
        groups, preactivations = {}, {}
        for group, count in enumerate(num_layers, start=1):
            name = f"group{group}"
            for layer in range(1, count + 1):
                x = apply_layer(x, growth_rate, dtype, f"{name}_layer{layer}")
            groups[name] = x
            x = apply_batch_norm(x, dtype=dtype, name=name)
            preactivations[f"preactivation{group}"] = x
            x = apply_relu(x, dtype=dtype, name=name)
            if group < len(num_layers):
                x = apply_transition(x, dtype, f"{name}_transition")
        endpoints = {**groups, "features": x}
        super().__init__(inputs, endpoints, num_classes, dtype=dtype, **kwargs)
        self.num_layers = num_layers
        self.growth_rate = growth_rate
        self.stem = stem
        self.inner_endpoints = preactivations

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {
            "num_layers": list(self.num_layers),
            "growth_rate": self.growth_rate,
            "stem": self.stem,
            **super().get_config(),
        }


def apply_layer(
    x: Tensor, growth_rate: int, dtype: Policy = None, name: str | None = None
) -> Tensor:
    """Appends `growth_rate` channels, computed from the map, to it."""
    new = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}_1")
    new = apply_conv(
        new, BOTTLENECK * growth_rate, 1, dtype=dtype, name=f"{name}_1_conv"
    )
    new = apply_batch_norm_relu(new, dtype=dtype, name=f"{name}_2")
    new = apply_conv(new, growth_rate, 3, dtype=dtype, name=f"{name}_2_conv")
    return layers.Concatenate(dtype=dtype, name=f"{name}_concat")([x, new])


def apply_transition(
    x: Tensor, dtype: Policy = None, name: str | None = None
) -> Tensor:
    """Convolves to half of the channels, then average-pools by two."""
    x = apply_conv(x, x.shape[-1] // 2, 1, dtype=dtype, name=f"{name}_conv")
    return layers.AveragePooling2D(2, dtype=dtype, name=f"{name}_pool")(x)
