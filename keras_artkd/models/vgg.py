"""VGG networks with batch normalisation and a single dense layer."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    apply_batch_norm,
    apply_conv,
    apply_pixels,
    apply_relu,
    check_input_shape,
)
from keras_artkd.models.network import ClassificationNetwork
from keras_artkd.types import Tensor

FILTERS = (64, 128, 256, 512, 512)
# Depth (it counts the original's three dense layers) -> 3x3 convolutions of a
# block.
CONVOLUTIONS = {8: 1, 13: 2}
# The smallest side with a fourth pooling.
FOURTH_POOL_SIDE = 64


@keras.saving.register_keras_serializable("keras_artkd")
class VGG(ClassificationNetwork):
    """VGG-8 or VGG-13 of the distillation literature.

    The input is raw pixels, float32 in [0, 255]; scaling is inside. The network
    has five blocks of 3x3 convolutions (with bias), batch normalisation and
    ReLU, of 64, 128, 256, 512, 512 filters, a max pooling after each of the
    first three, global average pooling and `Dense`. From sides of 64 pixels
    on, a pooling also follows the fourth block: the last map is 4x4 at 32 and
    at 64 pixels.

    Endpoints: `group1` ... `group4` (outputs of the second to the fifth block
    after their last ReLU, before the pooling), `preactivation<i>` (the same
    before that ReLU), `features` (which is `group4`), `logits` (float32, no
    softmax). The first block has no endpoint: the literature compares the
    other four.

    Args:
        depth: 8 or 13.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels; sides of at least 16.
        dtype: see `ClassificationNetwork`.
        **kwargs: see `ClassificationNetwork`: `head`, `head_inputs`, `name`,
            `trainable`.

    Raises:
        ValueError: for another depth, or images that are too small.

    Example:
    >>> model = VGG(8, 10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["group1"].shape)
    (None, 16, 16, 128)

    Reference: Simonyan and Zisserman, "Very Deep Convolutional Networks for
    Large-Scale Image Recognition", 2014, https://arxiv.org/abs/1409.1556;
    with one dense layer: Tian et al., "Contrastive Representation
    Distillation", 2019, https://arxiv.org/abs/1910.10699.
    """

    def __init__(
        self,
        depth: int,
        num_classes: int,
        input_shape: Sequence[int] = (64, 64, 3),
        dtype: Policy = None,
        **kwargs: Any,
    ) -> None:
        if depth not in CONVOLUTIONS:
            raise ValueError(
                f"`depth` must be one of {', '.join(map(str, CONVOLUTIONS))}. "
                f"Received: depth={depth}."
            )
        check_input_shape(input_shape, 8)
        num_pools = 4 if min(input_shape[:2]) >= FOURTH_POOL_SIDE else 3

        inputs, x = apply_pixels(input_shape)
        groups, preactivations = {}, {}
        for block, filters in enumerate(FILTERS):
            block_name = f"block{block + 1}"
            x, preactivation = apply_block(
                x, filters, CONVOLUTIONS[depth], dtype=dtype, name=block_name
            )
            if block > 0:
                groups[f"group{block}"] = x
                preactivations[f"preactivation{block}"] = preactivation
            if block < num_pools:
                pool = layers.MaxPooling2D(
                    2, dtype=dtype, name=f"{block_name}_pool"
                )
                x = pool(x)
        endpoints = {**groups, **preactivations, "features": x}
        super().__init__(inputs, endpoints, num_classes, dtype=dtype, **kwargs)
        self.depth = depth

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {"depth": self.depth, **super().get_config()}


def apply_block(
    x: Tensor,
    filters: int,
    num_convolutions: int,
    dtype: Policy = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Applies 3x3 convolutions, each with batch normalisation and ReLU.

    Returns:
        The output, and the map before its last ReLU.
    """
    for i in range(1, num_convolutions + 1):
        x = apply_conv(
            x, filters, 3, use_bias=True, dtype=dtype, name=f"{name}_{i}_conv"
        )
        preactivation = apply_batch_norm(x, dtype=dtype, name=f"{name}_{i}")
        x = apply_relu(preactivation, dtype=dtype, name=f"{name}_{i}")
    return x, preactivation
