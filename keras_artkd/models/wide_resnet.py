"""Wide residual networks."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    apply_batch_norm,
    apply_batch_norm_relu,
    apply_conv,
    apply_pixels,
    apply_relu,
)
from keras_artkd.models.network import ClassificationNetwork, Head
from keras_artkd.types import Tensor


@keras.saving.register_keras_serializable("keras_artkd")
class WideResNet(ClassificationNetwork):
    """Wide ResNet WRN-depth-width of pre-activation basic blocks.

    The input is raw pixels, float32 in [0, 255]; scaling is inside. The network
    has a 3x3 stem of 16 filters at stride 1, three groups of `(depth - 4) / 6`
    blocks with `16, 32, 64` times `width` filters at strides 1, 2, 2, batch
    normalisation, ReLU and the head. There is no dropout.

    Endpoints: `group1`, `group2`, `group3` (raw group outputs, before the
    next batch normalisation), `features` (the last map after it and ReLU),
    `logits` (float32, no softmax). `get_endpoints` also has
    `preactivation1..3`, the group outputs after the next batch normalisation
    and before its ReLU, which OFD, AB and ReviewKD compare.

    Args:
        depth: int, 6n + 4: 10, 16, 22, 28, 40, ...
        width: int >= 1, the widening factor.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels.
        head: `"pool"` (global average pooling), `"awgram"`, or an `AWGram`
            layer of your own. A `Dense` follows.
        head_inputs: names of the one or two endpoints that an AWGram head
            reads: by default `("features",)`; `("group2", "group3")` for the
            matrix between two layers.
        dtype: dtype policy, by default the global one. The logits are always
            float32.
        name: str.
        trainable: bool.

    Example:
    >>> model = WideResNet(16, 2, 100, input_shape=(32, 32, 3))
    >>> list(model.endpoints)
    ['group1', 'group2', 'group3', 'features', 'logits']

    Reference: Zagoruyko and Komodakis, "Wide Residual Networks", 2016,
    https://arxiv.org/abs/1605.07146; thesis 000, table 2.2.
    """

    def __init__(
        self,
        depth: int,
        width: int,
        num_classes: int,
        input_shape: Sequence[int] = (64, 64, 3),
        head: Head = "pool",
        head_inputs: Sequence[str] = ("features",),
        dtype: Policy = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(
                "`depth` must be 6n + 4 with n >= 1 (three groups of n "
                f"two-convolution blocks). Received: depth={depth}. "
                "Fix: use 10, 16, 22, 28, 34, 40, ..."
            )
        if width < 1:
            raise ValueError(
                f"`width` must be at least 1. Received: width={width}."
            )
        inputs, x = apply_pixels(input_shape)
        x = apply_conv(x, 16, kernel_size=3, dtype=dtype, name="stem_conv")
        endpoints, preactivations = {}, {}
        for group in range(3):
            for block in range((depth - 4) // 6):
                x, normalised = apply_block(
                    x,
                    filters=16 * width * 2**group,
                    strides=2 if group > 0 and block == 0 else 1,
                    dtype=dtype,
                    name=f"group{group + 1}_block{block + 1}",
                )
                if group > 0 and block == 0:
                    preactivations[f"preactivation{group}"] = normalised
            endpoints[f"group{group + 1}"] = x
        last = apply_batch_norm(x, dtype=dtype, name="last")
        preactivations["preactivation3"] = last
        endpoints["features"] = apply_relu(last, dtype=dtype, name="last")
        super().__init__(
            inputs=inputs,
            endpoints=endpoints,
            num_classes=num_classes,
            head=head,
            head_inputs=head_inputs,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )
        self.depth = depth
        self.width = width
        self.inner_endpoints = preactivations

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {
            "depth": self.depth,
            "width": self.width,
            **super().get_config(),
        }


def apply_block(
    x: Tensor,
    filters: int,
    strides: int,
    dtype: Policy = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Applies a pre-activation basic block.

    If the channels change, the shortcut is a 1x1 convolution of the activated
    input. Otherwise it is the raw input.

    Returns:
        The output, and the normalised input before its ReLU.
    """
    shortcut = x
    normalised = apply_batch_norm(x, dtype=dtype, name=f"{name}_1")
    x = apply_relu(normalised, dtype=dtype, name=f"{name}_1")
    if shortcut.shape[-1] != filters:
        shortcut = apply_conv(
            x, filters, 1, strides, dtype=dtype, name=f"{name}_shortcut"
        )
    x = apply_conv(x, filters, 3, strides, dtype=dtype, name=f"{name}_conv1")
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}_2")
    x = apply_conv(x, filters, 3, dtype=dtype, name=f"{name}_conv2")
    total = layers.Add(dtype=dtype, name=f"{name}_add")([x, shortcut])
    return total, normalised
