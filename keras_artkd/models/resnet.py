"""Residual networks for small images and for ImageNet."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
from keras import layers

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    Stem,
    apply_batch_norm,
    apply_conv,
    apply_conv_bn_relu,
    apply_imagenet_stem,
    apply_pixels,
    apply_relu,
    check_input_shape,
    choose_stem,
)
from keras_artkd.models.network import ClassificationNetwork
from keras_artkd.types import Tensor

# A bottleneck's output has so many times the channels of its 3x3 convolution.
EXPANSION = 4

Gate: TypeAlias = Callable[[Tensor, str | None], Tensor] | None


@keras.saving.register_keras_serializable("keras_artkd")
class ResNet(ClassificationNetwork):
    """ResNet of basic or bottleneck blocks with the ReLU after the sum.

    The input is raw pixels, float32 in [0, 255]; scaling is inside. The network
    has a stem, groups of blocks (the first at stride 1, the others at 2),
    pooling and `Dense`. If a block changes the shape, its shortcut is a 1x1
    convolution with batch normalisation. In a bottleneck the 3x3 convolution
    has the stride.

    Endpoints: `group<i>` (a group's output after its last ReLU, which FitNet
    and attention transfer compare), `preactivation<i>` (the sum before that
    ReLU, for ReviewKD, OFD and AB), `features` (the last group's output),
    `logits` (float32, no softmax).

    Args:
        num_blocks: blocks of each group: `(3, 3, 3)` is ResNet-20, `(2, 2, 2,
            2)` ResNet-18.
        filters: of each group's 3x3 convolutions.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels; the sides of the last map
            must be at least 2, with `stem="imagenet"` at least 1.
        stem_filters: int, by default `filters[0]`.
        bottleneck: whether blocks are bottlenecks (1x1, 3x3, 1x1 to four times
            the filters) instead of two 3x3 convolutions.
        stem: `"small"` (3x3 at stride 1), `"imagenet"` (7x7 at stride 2 and a
            max pooling: maps of a quarter of the image's sides), or `"auto"`:
            small for sides below 96 pixels.
        dtype: see `ClassificationNetwork`.
        **kwargs: see `ClassificationNetwork`: `head`, `head_inputs`, `name`,
            `trainable`.

    Raises:
        ValueError: for invalid arguments.

    Example:
    >>> model = ResNet((3, 3, 3), (16, 32, 64), 10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["group3"].shape)
    (None, 8, 8, 64)

    Reference: He et al., "Deep Residual Learning for Image Recognition",
    2015, https://arxiv.org/abs/1512.03385.
    """

    def __init__(
        self,
        num_blocks: Sequence[int],
        filters: Sequence[int],
        num_classes: int,
        input_shape: Sequence[int] = (64, 64, 3),
        stem_filters: int | None = None,
        bottleneck: bool = False,
        stem: Stem = "auto",
        dtype: Policy = None,
        **kwargs: Any,
    ) -> None:
        num_blocks, filters = tuple(num_blocks), tuple(filters)
        if not filters or len(num_blocks) != len(filters):
            raise ValueError(
                "`num_blocks` and `filters` must have one number for each "
                f"group. Received: num_blocks={num_blocks}, filters={filters}."
            )
        if min(*num_blocks, *filters) < 1:
            raise ValueError(
                "`num_blocks` and `filters` must be at least 1. "
                f"Received: num_blocks={num_blocks}, filters={filters}."
            )
        small = choose_stem(stem, input_shape) == "small"
        stride = 2 ** (len(filters) - 1)
        # An explicit ImageNet stem allows maps of a single pixel.
        pixels = 1 if stem == "imagenet" else 2
        check_input_shape(input_shape, stride if small else 4 * stride, pixels)

        inputs, x = apply_pixels(input_shape)
        if small:
            x = apply_conv_bn_relu(
                x, stem_filters or filters[0], 3, dtype=dtype, name="stem"
            )
        else:
            x = apply_imagenet_stem(
                x, stem_filters or filters[0], 7, dtype=dtype
            )
        groups, preactivations = {}, {}
        for group, blocks in enumerate(num_blocks, start=1):
            gate = self.make_gate(dtype=dtype, name=f"group{group}")
            for block in range(1, blocks + 1):
                x, preactivation = apply_block(
                    x,
                    filters[group - 1],
                    strides=2 if group > 1 and block == 1 else 1,
                    bottleneck=bottleneck,
                    gate=gate,
                    dtype=dtype,
                    name=f"group{group}_block{block}",
                )
            groups[f"group{group}"] = x
            preactivations[f"preactivation{group}"] = preactivation
        endpoints = {**groups, **preactivations, "features": x}
        super().__init__(inputs, endpoints, num_classes, dtype=dtype, **kwargs)
        self.num_blocks = num_blocks
        self.filters = filters
        self.stem_filters = stem_filters
        self.bottleneck = bottleneck
        self.stem = stem

    @staticmethod
    def make_gate(dtype: Policy = None, name: str | None = None) -> Gate:
        """Makes the `gate` of one group, see `apply_block`; here none."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {
            "num_blocks": list(self.num_blocks),
            "filters": list(self.filters),
            "stem_filters": self.stem_filters,
            "bottleneck": self.bottleneck,
            "stem": self.stem,
            **super().get_config(),
        }


def apply_block(
    x: Tensor,
    filters: int,
    strides: int,
    bottleneck: bool = False,
    gate: Gate = None,
    dtype: Policy = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Applies a residual block.

    Args:
        x: the block's input.
        filters: int, of the 3x3 convolutions.
        strides: 1 or 2.
        bottleneck: whether it has three convolutions instead of two.
        gate: a function of the residual and `name`, applied to the residual
            before the sum; or None.
        dtype: dtype policy.
        name: prefix of the layers' names.

    Returns:
        The output, and the sum before its ReLU.
    """
    shortcut = x
    if bottleneck:
        convolutions = [(filters, 1), (filters, 3), (filters * EXPANSION, 1)]
    else:
        convolutions = [(filters, 3), (filters, 3)]
    # The first of the 3x3 convolutions reduces the map.
    strided = 2 if bottleneck else 1
    for i, (channels, kernel_size) in enumerate(convolutions, start=1):
        x = apply_conv(
            x,
            channels,
            kernel_size,
            strides if i == strided else 1,
            dtype=dtype,
            name=f"{name}_{i}_conv",
        )
        x = apply_batch_norm(x, dtype=dtype, name=f"{name}_{i}")
        if i < len(convolutions):
            x = apply_relu(x, dtype=dtype, name=f"{name}_{i}")
    if gate:
        x = gate(x, name)
    if strides > 1 or shortcut.shape[-1] != x.shape[-1]:
        shortcut = apply_conv(
            shortcut,
            x.shape[-1],
            1,
            strides,
            dtype=dtype,
            name=f"{name}_shortcut_conv",
        )
        shortcut = apply_batch_norm(
            shortcut, dtype=dtype, name=f"{name}_shortcut"
        )
    total = layers.Add(dtype=dtype, name=f"{name}_add")([x, shortcut])
    return apply_relu(total, dtype=dtype, name=name), total
