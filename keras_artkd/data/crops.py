"""Square crops of stored images, a batch at a time."""

import numpy as np
import tensorflow as tf

from keras_artkd.data.augment import Batch
from keras_artkd.data.store import ImageStore
from keras_artkd.types import Array, Tensor


def edge_padding(store: ImageStore, side: int) -> int:
    """How far a random crop may reach over each edge, pixels.

    Images that are hardly larger than the crop would otherwise all be seen from
    one place.
    """
    margin = side // 8
    return 0 if store.sizes.min() >= side + margin else margin


def what_to_learn(store: ImageStore) -> Array:
    """Returns the targets of a store, or its labels."""
    return store.labels if store.targets is None else store.targets


class Crops:
    """Square crops of stored images, a batch at a time."""

    def __init__(
        self, store: ImageStore, side: int, padding: int, labels: Array
    ) -> None:
        smallest = int(store.sizes.min()) if len(store) else side
        if smallest + 2 * padding < side:
            raise ValueError(
                "Every image must be at least as large as the crop. Received: "
                f"an image of {smallest} pixels, image_size={side}. Fix: load "
                "the data with a larger `short_side`."
            )
        # The pipeline's functions capture eager tensors by reference. A copy
        # in a graph would be limited to two gigabytes.
        with tf.device("CPU:0"):
            if store.in_memory:
                self.pixels = tf.constant(store.pixels)
            self.offsets = tf.constant(store.offsets)
            self.sizes = tf.constant(store.sizes)
            self.labels = tf.constant(labels)
        self.store = store
        self.side = side
        self.padding = padding

    def __call__(
        self, indices: Tensor, corners: Tensor, mirrored: Tensor
    ) -> Batch:
        """Returns crops `(batch, side, side, 3)`, float32, and labels."""
        if self.store.in_memory:
            images = self._gathered(indices, corners, mirrored)
        else:
            images = tf.numpy_function(
                self._read, [indices, corners, mirrored], "uint8", False
            )
            shape = (indices.shape[0], self.side, self.side, 3)
            images = tf.cast(tf.ensure_shape(images, shape), "float32")
        return images, tf.gather(self.labels, indices)

    def _gathered(
        self, indices: Tensor, corners: Tensor, mirrored: Tensor
    ) -> Tensor:
        """Crops of images in memory, each one gather."""
        steps = tf.range(self.side)
        rows = corners[:, :1] + steps
        columns = corners[:, 1:] + tf.where(
            mirrored[:, None], steps[::-1], steps
        )
        sizes = tf.gather(self.sizes, indices)
        height, width = sizes[:, :1], sizes[:, 1:]
        if self.padding:
            rows_inside = (rows >= 0) & (rows < height)
            columns_inside = (columns >= 0) & (columns < width)
            rows = tf.clip_by_value(rows, 0, height - 1)
            columns = tf.clip_by_value(columns, 0, width - 1)
        places = rows[:, :, None] * width[:, :, None] + columns[:, None, :]
        starts = tf.gather(self.offsets, indices)[:, None, None]
        images = tf.cast(
            tf.gather(self.pixels, starts + tf.cast(places, "int64")),
            "float32",
        )
        if self.padding:
            inside = rows_inside[:, :, None] & columns_inside[:, None, :]
            images = tf.where(inside[..., None], images, 0.0)
        return images

    def _read(self, indices: Array, corners: Array, mirrored: Array) -> Array:
        """The same crops of images in files, uint8: no more rows are read."""
        side, store = self.side, self.store
        crops = np.zeros((len(indices), side, side, 3), "uint8")
        for crop, index, corner, mirror in zip(
            crops, indices, corners, mirrored, strict=True
        ):
            size = store.sizes[index]
            (top, left), (bottom, right) = (
                np.maximum(corner, 0),
                np.minimum(corner + side, size),
            )
            start, width = store.offsets[index], int(size[1])
            rows = store.pixels[start + top * width : start + bottom * width]
            inside = rows.reshape(-1, width, 3)[:, left:right]
            place = crop[top - corner[0] :, left - corner[1] :]
            place[: bottom - top, : right - left] = inside
            if mirror:
                crop[:] = crop[:, ::-1].copy()
        return crops
