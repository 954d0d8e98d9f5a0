"""AWGram: the adaptively weighted Gram matrix of a feature map."""

import functools
import warnings
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import keras
import numpy as np
from keras import ops

from keras_artkd.catalogue.correlations import CORRELATIONS, Correlation
from keras_artkd.layers.correlation import (
    EqualPlaces,
    EveryPair,
    Pairing,
    correlation_weights,
)
from keras_artkd.layers.pooling import pool_to_smaller
from keras_artkd.types import Tensor

Mode = Literal["channel", "spatial"]
MODES: tuple[Mode, ...] = get_args(Mode)
# The numbers that 512 channels give: larger vectors deserve a warning.
_LARGE = 512 * 513 // 2
# The batch is None, all others are int.
_Shape: TypeAlias = tuple[Any, ...]


@keras.saving.register_keras_serializable("keras_artkd")
class AWGram(keras.layers.Layer):
    """A Gram matrix whose entries are weighted by correlations.

    The Gram matrix of a feature map describes style: which channels are active
    together, at any position. AWGram multiplies each entry by a correlation of
    the same two channels, then normalises:

        G = M M^T,   A = w * G,   output = s A / max(||A||_F, 1e-12)

    `M` is the `(channels, positions)` matrix of an example, `w` the
    correlation weights in [0, 1] (see
    `keras_artkd.layers.correlation.correlation_weights`) and `s` the feature
    scale. The output is the upper triangle of the symmetric matrix, with
    off-diagonal entries times the square root of 2. It has half the size and
    the same norm, and a dense layer can compute the same functions of it.

    It replaces global average pooling before the last `Dense`, which grows
    with the square of the channels: above 512 of them the layer warns of its
    size, once for each size. `channels` brings wide maps to fewer before.

    Args:
        correlation: `"cosine"` (default), `"pearson"`, `"spearman"`,
            `"covariance"`, `"chebyshev"`, `"euclidean"`, or `"none"` for the
            plain Gram matrix.
        mode: `"channel"` (default) correlates channels, as in every experiment
            of the thesis. `"spatial"` is its printed equation 3.2: one
            weighted inner product of two maps at each position.
        feature_scale: float > 0, the output's L2 norm. The thesis has 1.0
            (default). A unit-norm vector learns slowly; 8.0 learns faster.
        stop_gradient_weights: whether the gradient treats the weights as
            constants. It always treats Spearman's so.
        channels: int or None (default): how many channels a 1x1 convolution
            makes of a map that has more. It is trained along, has no bias,
            and begins as an orthogonal projection.

    Call arguments:
        inputs: a feature map `(batch, height, width, channels)`, or a pair
            of maps for the matrix between two layers. Maps of different sizes
            are average-pooled to the smaller grid. Sizes must be static.

    Output shape:
        `(batch, channels * (channels + 1) / 2)` for one map,
        `(batch, channels_1 * channels_2)` for a pair,
        `(batch, height * width)` in spatial mode; with the channels that
        `channels` leaves. Computed in float32.

    Raises:
        ValueError: for unknown names, a scale or channels that are not
            positive, sizes that are not static, or a spatial pair with
            different channels.

    Example:
    >>> x = keras.random.uniform((2, 8, 8, 16))
    >>> AWGram("pearson")(x).shape
    (2, 136)

    Reference: thesis 000, section 3.2 (eqs 3.1-3.7) and 4.3.4, read
    as matrices of channels; `docs/thesis_000.md` gives the reason.
    """

    def __init__(
        self,
        correlation: Correlation = "cosine",
        mode: Mode = "channel",
        feature_scale: float = 1.0,
        stop_gradient_weights: bool = False,
        channels: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if correlation not in CORRELATIONS:
            raise ValueError(
                f"`correlation` must be one of {', '.join(CORRELATIONS)}. "
                f"Received: correlation={correlation!r}."
            )
        if mode not in MODES:
            raise ValueError(
                f"`mode` must be one of {', '.join(MODES)}. "
                f"Received: mode={mode!r}."
            )
        if not feature_scale > 0:
            raise ValueError(
                "`feature_scale` must be positive. "
                f"Received: feature_scale={feature_scale!r}."
            )
        if channels is not None and not channels > 0:
            raise ValueError(
                "`channels` must be positive, or None. "
                f"Received: channels={channels!r}."
            )
        self.correlation = correlation
        self.mode = mode
        self.feature_scale = feature_scale
        self.stop_gradient_weights = stop_gradient_weights
        self.channels = channels
        # One for each map; None where it has few channels.
        self.projections: list[keras.layers.Conv2D | None] = []

    def build(self, input_shape: Sequence[Any]) -> None:
        """Validates the shapes, warns of large ones, makes projections."""
        shapes = _as_pair(input_shape)
        for shape in shapes:
            if len(shape) != 4 or None in shape[1:]:
                raise ValueError(
                    "The inputs of AWGram must be feature maps (batch, "
                    "height, width, channels) of static size. "
                    f"Received: {tuple(shape)} in layer {self.name!r}. "
                    "Fix: give the network an `input_shape` without None."
                )
        left = [self._channels_of(shape) for shape in shapes]
        if self.mode == "spatial" and left[0] != left[1]:
            raise ValueError(
                "Two maps of a spatial AWGram must have equal channels, to "
                "be compared at each position. "
                f"Received: {left[0]} and {left[1]} in layer "
                f"{self.name!r}. Fix: use mode='channel'."
            )
        maps = shapes[:1] if shapes[0] is shapes[1] else shapes
        self.projections = [
            self._make_projection(shape, number)
            for number, shape in enumerate(maps, start=1)
        ]
        _, size = self.compute_output_shape(input_shape)
        if size > _LARGE:
            _warn_of_size(size, *left[: len(maps)])

    def _channels_of(self, shape: _Shape) -> int:
        """The channels of a map of this shape, as they are correlated."""
        channels: int = shape[3]
        return min(channels, self.channels or channels)

    def _make_projection(
        self, shape: _Shape, number: int
    ) -> keras.layers.Conv2D | None:
        if self._channels_of(shape) == shape[3]:
            return None
        projection = keras.layers.Conv2D(
            self.channels,
            1,
            use_bias=False,
            kernel_initializer=keras.initializers.Orthogonal(),
            dtype=self.dtype_policy,
            name=f"projection{number}",
        )
        projection.build(shape)
        return projection

    def call(self, inputs: Tensor | Sequence[Tensor]) -> Tensor:
        """Computes the normalised vector; see the class."""
        maps = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        maps = [
            projection(one) if projection else one
            for one, projection in zip(maps, self.projections, strict=True)
        ]
        if len(maps) == 2:
            first, second = _unit_rms(*pool_to_smaller(*maps))
        else:
            (first,) = _unit_rms(*maps)
            second = first
        first_rows = self._rows(first)
        second_rows = first_rows if first is second else self._rows(second)
        pairing: Pairing = EqualPlaces if self.mode == "spatial" else EveryPair
        weights = correlation_weights(
            first_rows, second_rows, self.correlation, pairing
        )
        if self.stop_gradient_weights and self.correlation != "none":
            weights = ops.stop_gradient(weights)
        gram = pairing.inner(first_rows, second_rows) / first_rows.shape[-1]
        weighted = weights * gram
        if self.mode == "channel":
            weighted = ops.reshape(weighted, (-1, np.prod(gram.shape[1:])))
            if first is second:
                weighted = _upper_triangle(weighted, first.shape[3])
        # The mean times the length, not the sum: LiteRT would fuse the sum
        # into an operation whose int8 steps are too coarse for long vectors.
        size = weighted.shape[-1]
        squared = size * ops.mean(ops.square(weighted), axis=-1, keepdims=True)
        scale = self.feature_scale * ops.rsqrt(ops.maximum(squared, 1e-24))
        return ops.cast(weighted * scale, self.compute_dtype)

    def _rows(self, features: Tensor) -> Tensor:
        """Lays the vectors to correlate along the last axis."""
        height, width, channels = features.shape[1:]
        flat = ops.reshape(features, (-1, height * width, channels))
        return flat if self.mode == "spatial" else ops.swapaxes(flat, 1, 2)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> _Shape:
        """Computes the shape of the vector; see the class."""
        first, second = _as_pair(input_shape)
        if self.mode == "spatial":
            size = min(first[1], second[1]) * min(first[2], second[2])
        elif first is second:
            channels = self._channels_of(first)
            size = channels * (channels + 1) // 2
        else:
            size = self._channels_of(first) * self._channels_of(second)
        return (first[0], size)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {
            **super().get_config(),
            "correlation": self.correlation,
            "mode": self.mode,
            "feature_scale": self.feature_scale,
            "stop_gradient_weights": self.stop_gradient_weights,
            "channels": self.channels,
        }


@functools.cache
def _warn_of_size(size: int, *channels: int) -> None:
    """Warns of what a dense layer after it will have; once a process."""
    warnings.warn(
        f"AWGram makes {size:,} numbers of {' and '.join(map(str, channels))} "
        f"channels: the Dense after it will have {size:,} parameters a class, "
        f"{4 * size / 1e6:.1f} MB each in float32. Fix: fewer channels, by a "
        "1x1 convolution (--head-channels, AWGram(channels=...)), or average "
        "pooling.",
        stacklevel=2,
    )


def _unit_rms(*maps: Tensor) -> list[Tensor]:
    """Divides maps, in float32, by the root mean square of each example.

    The final norm cancels it. It keeps the Gram matrix in the range of the
    weights: both have one scale in int8, and with a large Gram matrix the
    weights would round to zero.
    """
    full = [ops.cast(x, "float32") for x in maps]
    square = sum(
        ops.mean(ops.square(x), axis=(1, 2, 3), keepdims=True) for x in full
    ) / len(full)
    scale = ops.rsqrt(ops.maximum(square, 1e-16))
    return [x * scale for x in full]


def _as_pair(input_shape: Sequence[Any]) -> tuple[_Shape, _Shape]:
    """Returns the shapes of a pair; of one map, twice the same object."""
    if isinstance(input_shape[0], (list, tuple)):
        first, second = map(tuple, input_shape)
        return first, second
    shape = tuple(input_shape)
    return shape, shape


def _upper_triangle(flat: Tensor, channels: int) -> Tensor:
    """Takes the upper triangle of flattened symmetric matrices, norm kept."""
    rows, columns = np.triu_indices(channels)
    triangle = ops.take(flat, rows * channels + columns, axis=1)
    return triangle * np.where(rows == columns, 1.0, np.sqrt(2.0)).astype(
        "float32"
    )
