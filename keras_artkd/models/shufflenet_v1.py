"""ShuffleNet with three groups."""

import keras
from keras import layers

from keras_artkd.models.blocks import (
    apply_batch_norm,
    apply_batch_norm_relu,
    apply_pixels,
    apply_pool,
    apply_relu,
    check_input_shape,
    choose_stem,
)
from keras_artkd.models.network import Network
from keras_artkd.models.shuffle_blocks import (
    STEM_FILTERS,
    apply_depthwise_bn,
    apply_grouped_pointwise,
    apply_stem,
    channel_shuffle,
)

GROUPS = 3
# Channels and blocks of each stage.
STAGES = ((240, 4), (480, 8), (960, 4))


@keras.saving.register_keras_serializable("keras_artkd")
class ShuffleNetV1(Network):
    """ShuffleNet 1x with three groups, as distillation's literature has it.

    Takes raw pixels, float32 in [0, 255]; scaling is inside. A stem of 24
    filters, three stages (4, 8, 4 blocks; 240, 480, 960 channels) that halve
    the map, pooling, `Dense`. A block: grouped 1x1 convolution, channel
    shuffle, depthwise 3x3, grouped 1x1, then the sum with its input; the first
    of a stage instead appends its input, average-pooled.

    Endpoints: `group1 group2 group3` (a stage's output after its last ReLU),
    `preactivation<i>` (the sum before that ReLU), `features` (which is
    `group3`), `logits` (float32, no softmax).

    Args:
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels; sides of at least 16, or 64
            with the ImageNet stem.
        stem: `"small"` (1x1 at stride 1), `"imagenet"` (3x3 at stride 2 and a
            max pooling), or `"auto"`: small for sides below 96 pixels.
        dtype: see `Network`.
        **kwargs: see `Network`: `head`, `head_inputs`, `name`, `trainable`.

    Raises:
        ValueError: for arguments that make no network.

    Example:
    >>> model = ShuffleNetV1(10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["group3"].shape)
    (None, 4, 4, 960)

    Reference: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional
    Neural Network for Mobile Devices", 2017, https://arxiv.org/abs/1707.01083.
    """

    def __init__(
        self,
        num_classes,
        input_shape=(64, 64, 3),
        stem="auto",
        dtype=None,
        **kwargs,
    ):
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

    def get_config(self):
        """Every constructor argument."""
        return {"stem": self.stem, **super().get_config()}


def apply_block(x, filters, strides, dtype=None, name=None):
    """A ShuffleNet block.

    Returns:
        The output, and what its ReLU is of: the sum at stride 1, the
        concatenation at stride 2.
    """
    shortcut = x
    # With its input appended, the output has `filters` channels.
    added = filters - x.shape[-1] if strides == 2 else filters
    # The stem's channels are too few for groups of them.
    groups = 1 if x.shape[-1] == STEM_FILTERS else GROUPS
    x = apply_grouped_pointwise(
        x, added // 4, groups, dtype=dtype, name=f"{name}_reduce_conv"
    )
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}_reduce")
    x = channel_shuffle(x, groups)
    x = apply_depthwise_bn(x, strides, dtype=dtype, name=f"{name}_depthwise")
    # The paper has no activation here; the networks compared with have.
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
