"""ShuffleNetV2."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    Stem,
    apply_batch_norm,
    apply_conv,
    apply_conv_bn_relu,
    apply_pixels,
    apply_relu,
    check_input_shape,
    choose_stem,
)
from keras_artkd.models.network import ClassificationNetwork
from keras_artkd.models.shuffle_blocks import (
    apply_depthwise_bn,
    apply_stem,
    channel_shuffle,
)
from keras_artkd.types import Tensor

# Channels and blocks of each stage. Its first block halves the map.
STAGES = ((116, 4), (232, 8), (464, 4))
LAST_FILTERS = 1024


@keras.saving.register_keras_serializable("keras_artkd")
class ShuffleNetV2(ClassificationNetwork):
    """ShuffleNetV2 1x.

    The input is raw pixels, float32 in [0, 255]; scaling is inside. The network
    has a stem of 24 filters, three stages (4, 8, 4 blocks; 116, 232, 464
    channels) that halve the map, a 1x1 convolution to 1024 channels, pooling
    and `Dense`. A block keeps half of its channels unchanged. The other half
    goes through 1x1, depthwise 3x3 and 1x1 convolutions. Then the block
    shuffles both halves.

    Endpoints: `group1 group2 group3` (a stage's output), `preactivation<i>`
    (the same, but the convolved half of the last block is before its ReLU; the
    unchanged half is after an earlier one), `features` (after the last
    convolution's ReLU), `logits` (float32, no softmax).

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
    >>> model = ShuffleNetV2(10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["group3"].shape)
    (None, 4, 4, 464)

    Reference: Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient
    CNN Architecture Design", 2018, https://arxiv.org/abs/1807.11164.
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
            prefix = f"group{stage}_block"
            x = apply_down_block(x, filters, dtype=dtype, name=f"{prefix}1")
            for block in range(2, blocks + 1):
                x, preactivation = apply_block(
                    x, dtype=dtype, name=f"{prefix}{block}"
                )
            groups[f"group{stage}"] = x
            preactivations[f"preactivation{stage}"] = preactivation
        x = apply_conv_bn_relu(x, LAST_FILTERS, 1, dtype=dtype, name="last")
        endpoints = {**groups, **preactivations, "features": x}
        super().__init__(inputs, endpoints, num_classes, dtype=dtype, **kwargs)
        self.stem = stem

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {"stem": self.stem, **super().get_config()}


def apply_block(
    x: Tensor, dtype: Policy = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Applies a block at stride 1.

    Returns:
        The output, and the same before the ReLU of its second half.
    """
    kept, x = ops.split(x, 2, axis=-1)
    filters = x.shape[-1]
    x = apply_conv_bn_relu(x, filters, 1, dtype=dtype, name=f"{name}_1")
    x = apply_depthwise_bn(x, dtype=dtype, name=f"{name}_depthwise")
    x = apply_conv(x, filters, 1, dtype=dtype, name=f"{name}_2_conv")
    raw = apply_batch_norm(x, dtype=dtype, name=f"{name}_2")
    x = apply_relu(raw, dtype=dtype, name=f"{name}_2")
    return _join(kept, x), _join(kept, raw)


def apply_down_block(
    x: Tensor, filters: int, dtype: Policy = None, name: str | None = None
) -> Tensor:
    """Applies a block at stride 2: both halves use the whole input."""
    half = filters // 2
    left = apply_depthwise_bn(x, 2, dtype=dtype, name=f"{name}_left_depthwise")
    left = apply_conv_bn_relu(left, half, 1, dtype=dtype, name=f"{name}_left")
    x = apply_conv_bn_relu(x, half, 1, dtype=dtype, name=f"{name}_1")
    x = apply_depthwise_bn(x, 2, dtype=dtype, name=f"{name}_depthwise")
    x = apply_conv_bn_relu(x, half, 1, dtype=dtype, name=f"{name}_2")
    return _join(left, x)


def _join(first: Tensor, second: Tensor) -> Tensor:
    return channel_shuffle(ops.concatenate([first, second], axis=-1), groups=2)
