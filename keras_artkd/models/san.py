"""Networks of self-attention, by pairs of pixels or by patches."""

import functools
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import keras
import numpy as np
from keras import layers, ops

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    Stem,
    apply_batch_norm,
    apply_batch_norm_relu,
    apply_conv,
    apply_conv_bn_relu,
    apply_pixels,
    apply_relu,
    check_input_shape,
    choose_stem,
)
from keras_artkd.models.network import ClassificationNetwork
from keras_artkd.types import Tensor

FILTERS = (64, 256, 512, 1024, 2048)
# The side of the footprint in the first stage, and in the others.
FIRST_KERNEL_SIZE = 3
KERNEL_SIZE = 7
# Divisors of a stage's filters inside its blocks: for the vectors that the
# attention compares, and for the values that it adds.
RELATION = 16
VALUES = 4
# So many channels of the values share a weight.
SHARE = 8

Attention: TypeAlias = Literal["pairwise", "patchwise"]


@keras.saving.register_keras_serializable("keras_artkd")
class SAN(ClassificationNetwork):
    """SAN: self-attention in place of convolutions.

    The input is raw pixels, float32 in [0, 255]; scaling is inside. The stem is
    a 1x1 convolution, batch normalisation and ReLU. Each stage has a max
    pooling by two, a 1x1 convolution, residual blocks, batch normalisation and
    ReLU. Pooling and `Dense` follow. See `apply_block` and `apply_attention`.

    Endpoints: `group1` ... `group4` (outputs of the second to the last stage
    after their ReLU; with five stages they have the shapes of a ResNet-50's),
    `preactivation<i>` (the same before that ReLU), `features` (the last
    stage's output), `logits` (float32, no softmax). The first stage, with 64
    channels and a small footprint, has no endpoint.

    Args:
        num_blocks: of each stage: `(2, 1, 2, 4, 1)` is SAN10, `(3, 2, 3, 5,
            2)` SAN15, `(3, 3, 4, 6, 3)` SAN19.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels; the sides of the last map
            must be at least 2.
        filters: of each stage, multiples of 32.
        stem: `"imagenet"`, `"small"` (without the first two poolings), or
            `"auto"`: small for sides below 96 pixels.
        attention: `"pairwise"` or `"patchwise"`, see `apply_attention`.
        dtype: see `ClassificationNetwork`.
        **kwargs: see `ClassificationNetwork`: `head`, `head_inputs`, `name`,
            `trainable`.

    Raises:
        ValueError: for invalid arguments.

    Example:
    >>> model = SAN((1, 1, 1), 10, (32, 32, 3), filters=(32, 32, 64))
    >>> tuple(model.endpoints["group2"].shape)
    (None, 16, 16, 64)

    Reference: Zhao, Jia and Koltun, "Exploring Self-attention for Image
    Recognition", 2020, https://arxiv.org/abs/2004.13621, as in its
    authors' code, which has no small stem.
    """

    def __init__(
        self,
        num_blocks: Sequence[int],
        num_classes: int,
        input_shape: Sequence[int] = (64, 64, 3),
        filters: Sequence[int] = FILTERS,
        stem: Stem = "auto",
        attention: Attention = "pairwise",
        dtype: Policy = None,
        **kwargs: Any,
    ) -> None:
        num_blocks, filters = tuple(num_blocks), tuple(filters)
        if len(num_blocks) < 2 or len(num_blocks) != len(filters):
            raise ValueError(
                "`num_blocks` and `filters` must have one number for each "
                "stage, with two or more stages. "
                f"Received: num_blocks={num_blocks}, filters={filters}."
            )
        least = VALUES * SHARE
        if min(*num_blocks, *filters) < 1 or any(f % least for f in filters):
            raise ValueError(
                "`num_blocks` must be at least 1 and `filters` multiples of "
                f"{least}. "
                f"Received: num_blocks={num_blocks}, filters={filters}."
            )
        if attention not in ("pairwise", "patchwise"):
            raise ValueError(
                "`attention` must be 'pairwise' or 'patchwise'. "
                f"Received: attention={attention!r}."
            )
        small = choose_stem(stem, input_shape) == "small"
        stride = 2 ** (len(num_blocks) - 2)
        check_input_shape(input_shape, stride if small else 4 * stride)

        inputs, x = apply_pixels(input_shape)
        x = apply_conv_bn_relu(x, filters[0], 1, dtype=dtype, name="stem")
        groups, preactivations = {}, {}
        for stage, blocks in enumerate(num_blocks):
            name = f"stage{stage + 1}"
            kernel_size = KERNEL_SIZE if stage > 0 else FIRST_KERNEL_SIZE
            if stage > 1 or not small:
                x = layers.MaxPooling2D(2, dtype=dtype, name=f"{name}_pool")(x)
            x = apply_conv(
                x, filters[stage], 1, dtype=dtype, name=f"{name}_conv"
            )
            for block in range(1, blocks + 1):
                x = apply_block(
                    x,
                    kernel_size,
                    attention,
                    dtype=dtype,
                    name=f"{name}_block{block}",
                )
            preactivation = apply_batch_norm(x, dtype=dtype, name=name)
            x = apply_relu(preactivation, dtype=dtype, name=name)
            if stage > 0:
                groups[f"group{stage}"] = x
                preactivations[f"preactivation{stage}"] = preactivation
        endpoints = {**groups, **preactivations, "features": x}
        super().__init__(inputs, endpoints, num_classes, dtype=dtype, **kwargs)
        self.num_blocks = num_blocks
        self.filters = filters
        self.stem = stem
        self.attention = attention

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {
            "num_blocks": list(self.num_blocks),
            "filters": list(self.filters),
            "stem": self.stem,
            "attention": self.attention,
            **super().get_config(),
        }


def apply_block(
    x: Tensor,
    kernel_size: int,
    attention: Attention = "pairwise",
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Applies a residual block that keeps the number of channels.

    Batch normalisation, ReLU, attention with a quarter of the channels, batch
    normalisation, ReLU and a 1x1 convolution back to all channels.
    """
    residual = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}_1")
    residual = apply_attention(
        residual, kernel_size, attention, dtype, name=f"{name}_attention"
    )
    residual = apply_batch_norm_relu(residual, dtype=dtype, name=f"{name}_2")
    residual = apply_conv(
        residual,
        x.shape[-1],
        1,
        use_bias=True,
        dtype=dtype,
        name=f"{name}_conv",
    )
    return layers.Add(dtype=dtype, name=f"{name}_add")([x, residual])


def apply_attention(
    x: Tensor,
    kernel_size: int,
    attention: Attention = "pairwise",
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """Computes a weighted sum of the pixels around each pixel.

    The pixels j around i are at most `kernel_size // 2` rows and columns away.
    Beyond its border the map is reflected. gamma is batch normalisation, ReLU
    and a 1x1 convolution, twice. The weights are

    - `"pairwise"`: a softmax over j of gamma(phi(x_i) - psi(x_j)), where both
      vectors also contain the positions. The order of the j is of no matter.
    - `"patchwise"`: gamma of phi(x_i) beside the psi(x_j) of all j, which
      gives the weights of all j at once, without a softmax and without
      positions: each place in the patch has weights of its own.

    The biases are the authors'. Those of phi and psi cancel in the next batch
    normalisation. Those of gamma's end and of the values cancel in pairs alone,
    in the softmax and in the next batch normalisation.

    Args:
        x: `(batch, height, width, channels)`.
        kernel_size: int, odd.
        attention: `"pairwise"` or `"patchwise"`.
        dtype: dtype policy.
        name: prefix of the layers' names.

    Returns:
        `(batch, height, width, channels / 4)`.
    """
    height, width, channels = x.shape[1:]
    values = channels // VALUES
    weigh = _weigh_pairs if attention == "pairwise" else _weigh_patches
    weights = weigh(x, kernel_size, dtype, name)
    # Pixels move to the batch's axis. In the product of four axes a weight
    # serves several channels without a copy.
    weights = ops.reshape(weights, (-1, kernel_size**2, 1, values // SHARE))
    around = ops.reshape(
        footprints(
            _conv(x, values, "value", dtype=dtype, name=name), kernel_size
        ),
        (-1, kernel_size**2, SHARE, values // SHARE),
    )
    return ops.reshape(
        ops.sum(weights * around, axis=1), (-1, height, width, values)
    )


def _weigh_pairs(
    x: Tensor, kernel_size: int, dtype: Policy, name: str | None
) -> Tensor:
    """`(batch, height * width, kernel_size**2, channels / 32)`."""
    height, width, channels = x.shape[1:]
    relation = channels // RELATION
    conv = functools.partial(_conv, dtype=dtype, name=name)
    positions = conv(_positions_like(x), 2, "position")
    phi = ops.concatenate([conv(x, relation, "phi"), positions], axis=-1)
    psi = ops.concatenate([conv(x, relation, "psi"), positions], axis=-1)
    # Pixels lie along one axis, their surroundings along another: 1x1
    # convolutions cover both.
    phi = ops.reshape(phi, (-1, height * width, 1, relation + 2))
    psi = ops.reshape(
        footprints(psi, kernel_size),
        (-1, height * width, kernel_size**2, relation + 2),
    )
    weights = apply_batch_norm_relu(
        phi - psi, dtype=dtype, name=f"{name}_gamma1"
    )
    weights = conv(weights, relation, "gamma1", use_bias=False)
    weights = apply_batch_norm_relu(weights, dtype=dtype, name=f"{name}_gamma2")
    weights = conv(weights, channels // VALUES // SHARE, "gamma2")
    return ops.softmax(weights, axis=2)


def _weigh_patches(
    x: Tensor, kernel_size: int, dtype: Policy, name: str | None
) -> Tensor:
    """`(batch, height, width, kernel_size**2 * channels / 32)`.

    The weights of a place are side by side, in the order of `footprints`.
    """
    channels = x.shape[-1]
    relation, shared = channels // RELATION, channels // VALUES // SHARE
    conv = functools.partial(_conv, dtype=dtype, name=name)
    phi, psi = conv(x, relation, "phi"), conv(x, relation, "psi")
    patches = ops.concatenate([phi, footprints(psi, kernel_size)], axis=-1)
    weights = apply_batch_norm_relu(patches, dtype=dtype, name=f"{name}_gamma1")
    weights = conv(weights, shared, "gamma1", use_bias=False)
    weights = apply_batch_norm_relu(weights, dtype=dtype, name=f"{name}_gamma2")
    return conv(weights, kernel_size**2 * shared, "gamma2")


def _conv(
    x: Tensor,
    filters: int,
    part: str,
    use_bias: bool = True,
    dtype: Policy = None,
    name: str | None = None,
) -> Tensor:
    """A 1x1 convolution of an attention's part."""
    return apply_conv(
        x, filters, 1, 1, use_bias, dtype, name=f"{name}_{part}_conv"
    )


def footprints(x: Tensor, kernel_size: int) -> Tensor:
    """Collects the surroundings of each pixel; borders are reflected.

    It uses slices: `ops.image.extract_patches` multiplies by an identity
    matrix of all channels around a pixel.

    Args:
        x: `(batch, height, width, channels)`, sides of at least 2.
        kernel_size: int, odd.

    Returns:
        `(batch, height, width, kernel_size**2 * channels)`, with the channels
        of each position side by side.
    """
    height, width = x.shape[1:3]
    x = _reflect(x, kernel_size // 2)
    x = ops.concatenate(
        [x[:, i : i + height] for i in range(kernel_size)], axis=-1
    )
    return ops.concatenate(
        [x[:, :, i : i + width] for i in range(kernel_size)], axis=-1
    )


def _reflect(x: Tensor, pad: int) -> Tensor:
    """Adds `pad` reflected pixels on each side of a map."""
    for axis in (1, 2):
        missing = pad
        while missing:
            # At most as many at once as there are without the border.
            step = min(missing, x.shape[axis] - 1)
            widths = [(0, 0)] * 4
            widths[axis] = (step, step)
            x = ops.pad(x, widths, "reflect")
            missing -= step
    return x


def _positions_like(x: Tensor) -> Tensor:
    """Makes each pixel's column and row, from -1 to 1: `(batch, h, w, 2)`."""
    height, width = x.shape[1:3]
    axes = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    # An array: a backend's tensor would become an input of the ONNX file.
    grid = np.stack(axes, axis=-1).astype("float32")
    return ops.zeros_like(x[..., :2]) + grid
