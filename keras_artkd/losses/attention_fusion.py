"""ReviewKD's fusion of a map with the deeper ones."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_artkd.layers.defaults import batch_norm
from keras_artkd.losses.base import Shape
from keras_artkd.losses.connectors import convolution
from keras_artkd.types import Tensor


@keras.saving.register_keras_serializable("keras_artkd")
class AttentionFusion(keras.layers.Layer):
    """ReviewKD's attention-based fusion (ABF) of one level.

    A 1x1 convolution brings the level's map to `mid_filters`. The residual of
    the deeper levels is resized to it. Two attention maps weight the two: a
    sigmoid of a 1x1 convolution of both. Their sum, at the size of the
    teacher's map, is the residual for the next shallower level. A 3x3
    convolution of it is compared with the teacher.

    Args:
        filters: int, channels of the teacher's map.
        mid_filters: int, channels of the residual.
        size: `(height, width)` of the teacher's map.
        fuse: whether there is a residual; the deepest level has none.
        **kwargs: see `keras.layers.Layer`.

    Call arguments:
        features: `(batch, height, width, channels)` of the student.
        residual: `(batch, height, width, mid_filters)` of the level below,
            or None.

    Output shape:
        `(batch, *size, filters)` and the residual, `(batch, *size,
        mid_filters)`.

    Reference: Chen et al., "Distilling Knowledge via Knowledge Review", 2021,
    https://arxiv.org/abs/2104.09044.
    """

    def __init__(
        self,
        filters: int,
        mid_filters: int,
        size: tuple[int, int],
        fuse: bool = True,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.filters = filters
        self.mid_filters = mid_filters
        self.size = tuple(size)
        self.fuse = fuse
        self.reduce = _convolution_bn(mid_filters, 1)
        self.expand = _convolution_bn(filters, 3)
        if fuse:
            self.attend = layers.Conv2D(
                2, 1, activation="sigmoid", dtype="float32"
            )

    def build(self, features_shape: Shape) -> None:
        """Builds the convolutions."""
        height, width = features_shape[1:3]
        self.reduce.build(features_shape)
        self.expand.build((None, *self.size, self.mid_filters))
        if self.fuse:
            self.attend.build((None, height, width, 2 * self.mid_filters))

    def call(
        self, features: Tensor, residual: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The map to compare with the teacher's, and the residual."""
        x = self.reduce(features, training=True)
        if self.fuse:
            residual = resize_nearest(residual, x.shape[1:3])
            weights = self.attend(ops.concatenate([x, residual], axis=-1))
            x = x * weights[..., :1] + residual * weights[..., 1:]
        x = resize_nearest(x, self.size)
        return self.expand(x, training=True), x

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "mid_filters": self.mid_filters,
            "size": self.size,
            "fuse": self.fuse,
        }


def resize_nearest(features: Tensor, size: Sequence[int]) -> Tensor:
    """Resizes maps to a height and width, to the nearest as PyTorch does."""
    for axis, side in zip((1, 2), size, strict=True):
        length = features.shape[axis]
        if side != length:
            nearest = np.arange(side) * length // side
            features = ops.take(features, nearest, axis=axis)
    return features


def _convolution_bn(filters: int, kernel_size: int) -> keras.Sequential:
    return keras.Sequential(
        [
            # PyTorch's kaiming_uniform with a=1, as in the authors' code.
            convolution(filters, kernel_size, initializer="lecun_uniform"),
            batch_norm(dtype="float32"),
        ]
    )
