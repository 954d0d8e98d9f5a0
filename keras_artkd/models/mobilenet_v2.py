"""MobileNetV2."""

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
    apply_conv_bn_relu,
    apply_depthwise_conv,
    apply_pixels,
    check_input_shape,
    choose_stem,
)
from keras_artkd.models.network import ClassificationNetwork
from keras_artkd.types import Tensor

# Filters at width 1, blocks and stride of each stage.
STAGES = (
    (16, 1, 1),
    (24, 2, 1),
    (32, 3, 2),
    (64, 4, 2),
    (96, 3, 1),
    (160, 3, 2),
    (320, 1, 1),
)
# The stages whose outputs are group1 to group4, counted from 1.
GROUP_STAGES = (2, 3, 5, 7)
LAST_FILTERS = 1280


@keras.saving.register_keras_serializable("keras_artkd")
class MobileNetV2(ClassificationNetwork):
    """MobileNetV2 of the distillation literature, of half the width.

    The input is raw pixels, float32 in [0, 255]; scaling is inside. The network
    has a 3x3 stem at stride 2, seven stages of inverted residual blocks, a 1x1
    convolution to 1280 channels, pooling and `Dense`. Unless `original`, it has
    ReLU instead of ReLU6, and the first block has an expansion, by 1, with a
    convolution of its own. Widths are not rounded to multiples of eight.
    `width=1.0, original=True` has the layers of torchvision's network, without
    its dropout.

    Endpoints: `group1` ... `group4` (outputs of stages 2, 3, 5 and 7, which
    have no activation: bottlenecks are linear), `preactivation<i>` (the same
    tensors), `features` (after the 1x1 convolution's ReLU), `logits` (float32,
    no softmax).

    Args:
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels; sides of at least 32.
        width: float, the factor of the stages' filters.
        expansion: int, of the blocks from the second stage on.
        stem: `"small"` (the last map has a 16th of the image's sides),
            `"imagenet"` (the second stage at stride 2 as published: a 32nd),
            or `"auto"`: small for sides below 96 pixels.
        original: whether it has ReLU6, and no expansion in the first block,
            as the authors' network.
        dtype: see `ClassificationNetwork`.
        **kwargs: see `ClassificationNetwork`: `head`, `head_inputs`, `name`,
            `trainable`.

    Raises:
        ValueError: for invalid arguments.

    Example:
    >>> model = MobileNetV2(10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["features"].shape)
    (None, 2, 2, 1280)

    Reference: Sandler et al., "MobileNetV2: Inverted Residuals and Linear
    Bottlenecks", 2018, https://arxiv.org/abs/1801.04381.
    """

    def __init__(
        self,
        num_classes: int,
        input_shape: Sequence[int] = (64, 64, 3),
        width: float = 0.5,
        expansion: int = 6,
        stem: Stem = "auto",
        original: bool = False,
        dtype: Policy = None,
        **kwargs: Any,
    ) -> None:
        if int(16 * width) < 1 or expansion < 1:
            raise ValueError(
                "`width` must be at least 1/16 and `expansion` at least 1. "
                f"Received: width={width}, expansion={expansion}."
            )
        small = choose_stem(stem, input_shape) == "small"
        # An explicit ImageNet stem allows maps of a single pixel.
        pixels = 1 if stem == "imagenet" else 2
        check_input_shape(input_shape, 16 if small else 32, pixels)
        end: dict[str, Any] = {
            "max_value": 6.0 if original else None,
            "dtype": dtype,
        }

        inputs, x = apply_pixels(input_shape)
        x = apply_conv_bn_relu(x, int(32 * width), 3, 2, **end, name="stem")
        groups: dict[str, Tensor] = {}
        for stage, (filters, blocks, strides) in enumerate(STAGES, start=1):
            if stage == 2 and not small:
                strides = 2
            for block in range(1, blocks + 1):
                x = apply_block(
                    x,
                    int(filters * width),
                    strides=strides if block == 1 else 1,
                    expansion=expansion if stage > 1 else 1,
                    expand=stage > 1 or not original,
                    **end,
                    name=f"stage{stage}_block{block}",
                )
            if stage in GROUP_STAGES:
                groups[f"group{len(groups) + 1}"] = x
        x = apply_conv_bn_relu(
            x, int(LAST_FILTERS * max(width, 1)), 1, **end, name="last"
        )
        preactivations = {
            f"preactivation{i}": group
            for i, group in enumerate(groups.values(), start=1)
        }
        endpoints = {**groups, **preactivations, "features": x}
        super().__init__(inputs, endpoints, num_classes, dtype=dtype, **kwargs)
        self.width = width
        self.expansion = expansion
        self.stem = stem
        self.original = bool(original)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {
            "width": self.width,
            "expansion": self.expansion,
            "stem": self.stem,
            "original": self.original,
            **super().get_config(),
        }


def apply_block(
    x: Tensor,
    filters: int,
    strides: int,
    expansion: int,
    expand: bool = True,
    max_value: float | None = None,
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies an inverted residual block: expand, depthwise 3x3, project.

    The sum has no activation after it. If the shape changes, there is no sum.
    Without `expand` the block starts with the depthwise convolution.
    """
    shortcut = x
    if expand:
        x = apply_conv_bn_relu(
            x,
            x.shape[-1] * expansion,
            1,
            max_value=max_value,
            dtype=dtype,
            name=f"{name}_expand",
        )
    x = apply_depthwise_conv(
        x, strides, dtype=dtype, name=f"{name}_depthwise_conv"
    )
    x = apply_batch_norm_relu(
        x, max_value, dtype=dtype, name=f"{name}_depthwise"
    )
    x = apply_conv(x, filters, 1, dtype=dtype, name=f"{name}_project_conv")
    x = apply_batch_norm(x, dtype=dtype, name=f"{name}_project")
    if shortcut.shape != x.shape:
        return x
    return layers.Add(dtype=dtype, name=f"{name}_add")([x, shortcut])
