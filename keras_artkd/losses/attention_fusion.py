"""The fusion of a map with the one that lies deeper."""

import keras
import numpy as np
from keras import layers, ops

from keras_artkd.layers.defaults import batch_norm
from keras_artkd.losses.paired_loss import convolution


@keras.saving.register_keras_serializable("keras_artkd")
class AttentionFusion(keras.layers.Layer):
    """ReviewKD's attention-based fusion (ABF) of one level.

    A 1x1 convolution brings the level's map to `mid_filters`. Two attention
    maps, a sigmoid of a 1x1 convolution of both, weight it and the deeper
    levels' residual, which is resized to it. The sum, at the size of the
    teacher's map, is the residual for the next shallower level; a 3x3
    convolution makes of it what is compared with the teacher.

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

    def __init__(self, filters, mid_filters, size, fuse=True, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.filters = filters
        self.mid_filters = mid_filters
        self.size = tuple(size)
        self.fuse = fuse
        self.reduce = _convolution_bn(mid_filters, 1)
        self.expand = _convolution_bn(filters, 3)
        self.attend = (
            layers.Conv2D(2, 1, activation="sigmoid", dtype="float32")
            if fuse
            else None
        )

    def build(self, features_shape):
        """Builds the convolutions."""
        height, width = features_shape[1:3]
        self.reduce.build(features_shape)
        self.expand.build((None, *self.size, self.mid_filters))
        if self.fuse:
            self.attend.build((None, height, width, 2 * self.mid_filters))

    def call(self, features, residual=None):
        """The map to compare with the teacher's, and the residual."""
        x = self.reduce(features, training=True)
        if self.fuse:
            residual = resize_nearest(residual, x.shape[1:3])
            weights = self.attend(ops.concatenate([x, residual], axis=-1))
            x = x * weights[..., :1] + residual * weights[..., 1:]
        x = resize_nearest(x, self.size)
        return self.expand(x, training=True), x

    def get_config(self):
        """Every constructor argument."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "mid_filters": self.mid_filters,
            "size": self.size,
            "fuse": self.fuse,
        }


def resize_nearest(features, size):
    """Maps of another height and width, position by position as PyTorch."""
    for axis, side in zip((1, 2), size, strict=True):
        length = features.shape[axis]
        if side != length:
            nearest = np.arange(side) * length // side
            features = ops.take(features, nearest, axis=axis)
    return features


def _convolution_bn(filters, kernel_size):
    return keras.Sequential(
        [
            # PyTorch's kaiming_uniform with a=1, as the authors have it.
            convolution(filters, kernel_size, initializer="lecun_uniform"),
            batch_norm(dtype="float32"),
        ]
    )
