"""ShuffleNet with three groups."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    Stem,
    apply_batch_norm,
    apply_batch_norm_relu,
    apply_pixels,
    apply_pool,
    apply_relu,
    check_input_shape,
    choose_stem,
)
from keras_artkd.models.network import ClassificationNetwork
from keras_artkd.models.shuffle_blocks import (
    STEM_FILTERS,
    apply_depthwise_bn,
    apply_grouped_pointwise,
    apply_stem,
    channel_shuffle,
)
from keras_artkd.types import Tensor

GROUPS = 3
# Channels and blocks of each stage.
STAGES = ((240, 4), (480, 8), (960, 4))


@keras.saving.register_keras_serializable("keras_artkd")
class ShuffleNetV1(ClassificationNetwork):
    """ShuffleNet 1x with three groups, of the distillation literature.

    The input is raw pixels, float32 in [0, 255]; scaling is inside. The network
    has a stem of 24 filters, three stages (4, 8, 4 blocks; 240, 480, 960
    channels) that halve the map, pooling and `Dense`. A block is a grouped 1x1
    convolution, a channel shuffle, a depthwise 3x3 and a grouped 1x1
    convolution, then the sum with its input. The first block of a stage has no
    sum; it appends its average-pooled input.

    Endpoints: `group1 group2 group3` (a stage's output after its last ReLU),
    `preactivation<i>` (the sum before that ReLU), `features` (which is
    `group3`), `logits` (float32, no softmax).

    Args:
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels; sides of at least 16, or 64
            with the ImageNet stem.
        stem: `"small"` (1x1 at stride 1), `"imagenet"` (3x3 at stride 2 and a
            max pooling), or `"auto"`: small for sides below 96 pixels.
        dtype: see `ClassificationNetwork`.
        **kwargs: see `ClassificationNetwork`: `head`, `head_inputs`, `name`,
            `trainable`.

    Raises:
        ValueError: for invalid arguments.

    Example:
    >>> model = ShuffleNetV1(10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["group3"].shape)
    (None, 4, 4, 960)

    Reference: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional
    Neural Network for Mobile Devices", 2017, https://arxiv.org/abs/1707.01083.
    """

    def __init__(
        self,
        num_classes: int,
        input_shape: Sequence[int] = (64, 64, 3),
        stem: Stem = "auto",
        dtype: Policy = None,
        **kwargs: Any,
    ) -> None:
        small = choose_stem(stem, input_shape) == "small"
        check_input_shape(input_shape, 8 if small else 32)

        inputs, x = apply_pixels(input_shape)
        x = apply_stem(x, small, dtype=dtype)
        groups, preactivations = {}, {}
        for stage, (filters, blocks) in enumerate(STAGES, start=1):
            for block in range(1, blocks + 1):
                x, preactivation = apply_block(
                    x,
                    filters,
                    strides=2 if block == 1 else 1,
                    dtype=dtype,
                    name=f"group{stage}_block{block}",
                )
            groups[f"group{stage}"] = x
            preactivations[f"preactivation{stage}"] = preactivation
        endpoints = {**groups, **preactivations, "features": x}
        super().__init__(inputs, endpoints, num_classes, dtype=dtype, **kwargs)
        self.stem = stem

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {"stem": self.stem, **super().get_config()}


def apply_block(
    x: Tensor,
    filters: int,
    strides: int,
    dtype: Policy = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Applies a ShuffleNet block.

    Returns:
        The output, and the map before its ReLU: the sum at stride 1, the
        concatenation at stride 2.
    """
    shortcut = x
    # With its input appended, the output has `filters` channels.
    added = filters - x.shape[-1] if strides == 2 else filters
    # The stem has too few channels for groups.
    groups = 1 if x.shape[-1] == STEM_FILTERS else GROUPS
    x = apply_grouped_pointwise(
        x, added // 4, groups, dtype=dtype, name=f"{name}_reduce_conv"
    )
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}_reduce")
    x = channel_shuffle(x, groups)
    x = apply_depthwise_bn(x, strides, dtype=dtype, name=f"{name}_depthwise")
    # The paper has no activation here, but the networks of the literature do.
    x = apply_relu(x, dtype=dtype, name=f"{name}_depthwise")
    x = apply_grouped_pointwise(
        x, added, GROUPS, dtype=dtype, name=f"{name}_expand_conv"
    )
    x = apply_batch_norm(x, dtype=dtype, name=f"{name}_expand")
    if strides == 2:
        shortcut = apply_pool(
            shortcut,
            layers.AveragePooling2D,
            dtype=dtype,
            name=f"{name}_shortcut",
        )
        join = layers.Concatenate(dtype=dtype, name=f"{name}_concatenate")
    else:
        join = layers.Add(dtype=dtype, name=f"{name}_add")
    joined = join([x, shortcut])
    return apply_relu(joined, dtype=dtype, name=name), joined
