"""EfficientNet-Lite, whole or its first blocks."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from keras_artkd.layers.batch_normalization import BatchNormalization
from keras_artkd.layers.defaults import Policy, he_normal
from keras_artkd.models.blocks import check_input_shape
from keras_artkd.models.efficientnet_weights import (
    load_pretrained as load_pretrained,
)
from keras_artkd.models.network import ClassificationNetwork, Head
from keras_artkd.types import Tensor

# Kernel size, stride, expansion, filters and blocks of each stage, at width
# and depth 1.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM_FILTERS = 32
HEAD_CHANNELS = 1280
# Of the head that follows the first blocks: by pooling, and by AWGram, whose
# output grows with the square: both have about as many parameters, and fewer
# lose points (docs/results.md).
SHORT_HEAD_CHANNELS = {"pool": 512, "awgram": 128}


@keras.saving.register_keras_serializable("keras_artkd")
class EfficientNetLite(ClassificationNetwork):
    """EfficientNet-Lite: made for integers, no squeeze-excite, ReLU6.

    The input is raw pixels, float32 in [0, 255]; the scaling, (x - 127) / 128,
    is inside. A 3x3 stem at stride 2, seven stages of inverted residual blocks
    and a 1x1 convolution to 1280 channels are followed by pooling and `Dense`,
    without the authors' dropout. Stem, last convolution and the number of
    blocks in the first and last stage do not scale.

    With `num_blocks` it is the first blocks alone, counted over the stages,
    and a 1x1 convolution of its own: a small network that can inherit what
    the large one has learned (`keras_artkd.models.inherit`). The names of the
    blocks' layers are the same; those of the head, `neck` instead of `head`,
    are not.

    Endpoints: `group1` ... `group3`, the last map at each of the three highest
    strides (linear, as bottlenecks are; fewer of a network with fewer
    strides), `preactivation<i>` (the same tensors), `features` (after the 1x1
    convolution's ReLU6), `logits` (float32, no softmax). `inner_endpoints`:
    `stage3` and on, the last maps of these stages but the seventh.

    Args:
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels.
        width: float, factor of the stages' filters.
        depth: float, factor of their numbers of blocks.
        num_blocks: int, how many blocks there are; None for all, with the
            published head.
        head_channels: int, channels of the last convolution. None: 1280, and
            after `num_blocks` 512, for an AWGram head 64.
        head: see `ClassificationNetwork`.
        dtype: see `ClassificationNetwork`.
        **kwargs: see `ClassificationNetwork`: `head_inputs`, `name`,
            `trainable`.

    Raises:
        ValueError: for invalid arguments.

    Example:
    >>> small = EfficientNetLite(17, (96, 96, 3), num_blocks=8)
    >>> tuple(small.endpoints["features"].shape)
    (None, 6, 6, 512)

    Reference: Liu, "Higher accuracy on vision models with
    EfficientNet-Lite", 2020, and Tan and Le, "EfficientNet", 2019,
    https://arxiv.org/abs/1905.11946.
    """

    def __init__(
        self,
        num_classes: int,
        input_shape: Sequence[int] = (224, 224, 3),
        width: float = 1.0,
        depth: float = 1.0,
        num_blocks: int | None = None,
        head_channels: int | None = None,
        head: Head = "pool",
        dtype: Policy = None,
        **kwargs: Any,
    ) -> None:
        rows = _blocks(width, depth)
        if num_blocks is not None and not 1 <= num_blocks <= len(rows):
            raise ValueError(
                f"`num_blocks` must be 1 to {len(rows)}, the blocks of this "
                f"network. Received: num_blocks={num_blocks}."
            )
        rows = rows[:num_blocks]
        strides = [2]
        for _, row in rows:
            strides.append(strides[-1] * row["strides"])
        check_input_shape(input_shape, strides[-1], pixels=1)

        inputs = keras.Input(input_shape, name="pixels")
        x = layers.Rescaling(
            1 / 128, -127 / 128, dtype="float32", name="rescaling"
        )(inputs)
        x = _conv_bn(x, STEM_FILTERS, 3, 2, True, dtype, "stem")
        last_maps, stages = {}, {}
        for i, ((stage, row), stride) in enumerate(
            zip(rows, strides[1:], strict=True), start=1
        ):
            x = _block(x, **row, dtype=dtype, name=f"block{i}")
            last_maps[stride] = x
            stages[stage] = x
        name = "head" if num_blocks is None else "neck"
        channels = head_channels or _head_channels(head, num_blocks)
        x = _conv_bn(x, channels, 1, 1, True, dtype, name)
        maps = list(last_maps.values())[-3:]
        endpoints = {
            **{f"group{i}": m for i, m in enumerate(maps, start=1)},
            **{f"preactivation{i}": m for i, m in enumerate(maps, start=1)},
            "features": x,
        }
        super().__init__(
            inputs, endpoints, num_classes, head, dtype=dtype, **kwargs
        )
        self.inner_endpoints = _middle(stages)
        self.width = width
        self.depth = depth
        self.num_blocks = num_blocks
        self.head_channels = head_channels

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {
            "width": self.width,
            "depth": self.depth,
            "num_blocks": self.num_blocks,
            "head_channels": self.head_channels,
            **super().get_config(),
        }


def _blocks(width: float, depth: float) -> list[tuple[int, dict[str, int]]]:
    """The stage of every block, and its arguments of `_block`."""
    if not (width > 0 and depth > 0):
        raise ValueError(
            "`width` and `depth` must be positive. "
            f"Received: width={width}, depth={depth}."
        )
    rows = []
    for stage, (kernel, strides, expansion, filters, count) in enumerate(
        STAGES, start=1
    ):
        if stage not in (1, len(STAGES)):
            count = math.ceil(count * depth)
        for i in range(count):
            arguments = {
                "kernel_size": kernel,
                "strides": strides if i == 0 else 1,
                "expansion": expansion,
                "filters": _scaled(filters, width),
            }
            rows.append((stage, arguments))
    return rows


def _middle(
    stages: dict[int, Tensor],
) -> dict[str, Tensor]:
    """The stages that a classifier of several levels reads.

    The first two know edges and colours. Of the last one the head makes a
    wider map, which tells more.
    """
    return {
        f"stage{stage}": x
        for stage, x in stages.items()
        if 2 < stage < len(STAGES)
    }


def _scaled(filters: int, width: float) -> int:
    """Filters times the width, rounded to eights, down by a tenth at most."""
    scaled = filters * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def _head_channels(head: Head, num_blocks: int | None) -> int:
    if num_blocks is None:
        return HEAD_CHANNELS
    return SHORT_HEAD_CHANNELS["pool" if head == "pool" else "awgram"]


def _block(
    x: Tensor,
    kernel_size: int,
    strides: int,
    expansion: int,
    filters: int,
    dtype: Policy,
    name: str,
) -> Tensor:
    """Applies an inverted residual block: expand, depthwise, project."""
    shortcut = x
    if expansion > 1:
        x = _conv_bn(
            x, x.shape[-1] * expansion, 1, 1, True, dtype, f"{name}_expand"
        )
    x = layers.DepthwiseConv2D(
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=he_normal("fan_in"),
        dtype=dtype,
        name=f"{name}_depthwise_conv",
    )(x)
    x = _normalise(x, True, dtype, f"{name}_depthwise")
    x = _conv_bn(x, filters, 1, 1, False, dtype, f"{name}_project")
    if strides > 1 or shortcut.shape[-1] != filters:
        return x
    return layers.Add(dtype=dtype, name=f"{name}_add")([x, shortcut])


def _conv_bn(
    x: Tensor,
    filters: int,
    kernel_size: int,
    strides: int,
    activate: bool,
    dtype: Policy,
    name: str,
) -> Tensor:
    # TensorFlow's padding: the weights are TensorFlow's.
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer=he_normal("fan_out"),
        dtype=dtype,
        name=f"{name}_conv",
    )(x)
    return _normalise(x, activate, dtype, name)


def _normalise(x: Tensor, activate: bool, dtype: Policy, name: str) -> Tensor:
    # The authors' momentum of 0.99 wants thousands of steps: after the few
    # hundred of a small data set the averages are still those of the beginning.
    x = BatchNormalization(
        momentum=0.9, epsilon=1e-3, dtype=dtype, name=f"{name}_bn"
    )(x)
    if not activate:
        return x
    return layers.ReLU(6.0, dtype=dtype, name=f"{name}_relu")(x)
