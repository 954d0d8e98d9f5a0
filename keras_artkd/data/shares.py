"""The part of every batch that one of several processes reads."""

import dataclasses

import numpy as np
import tensorflow as tf

from keras_artkd.types import Array, Tensor


@dataclasses.dataclass(frozen=True)
class Share:
    """The rows of every batch that one of several processes reads.

    Each device gets as many rows as any other. Where they do not divide a
    batch, its last row is repeated behind it: the step cuts these off, and an
    evaluation weighs them zero.

    Attributes:
        process: int, counted from 0.
        processes: int.
        devices: int, of all processes together, as many in each.
    """

    process: int
    processes: int
    devices: int

    def filled(self, batch_size: int) -> int:
        """Rows of a batch that is filled up for the devices."""
        return -(-batch_size // self.devices) * self.devices

    def rows(self, batch_size: int) -> Array:
        """The process's rows of a batch that is filled up, their numbers."""
        each = self.filled(batch_size) // self.processes
        return np.arange(self.process * each, (self.process + 1) * each)

    def take(self, values: Tensor, batch_size: int) -> Tensor:
        """The process's part of what has a row or several for each image.

        Args:
            values: `(batch_size * views, ...)`, the views of an image together.
            batch_size: int.
        """
        views = tf.shape(values)[0] // batch_size
        own = np.minimum(self.rows(batch_size), batch_size - 1)
        places = own[:, None] * views + tf.range(views)
        return tf.gather(values, tf.reshape(places, [-1]))

    def evaluation_rows(
        self, count: int, batch_size: int
    ) -> tuple[Array, Array]:
        """The process's images of every batch of an evaluation.

        Args:
            count: int, images to evaluate in order.
            batch_size: int.

        Returns:
            int64 `(batches, rows)`, positions; and float32 weights of the
            same shape: zero where a row fills up, otherwise all alike, so that
            the mean of the batches' weighted means is that of the images.
        """
        batches = -(-count // batch_size)
        rows = self.rows(batch_size)
        places = np.arange(batches)[:, None] * batch_size + rows
        counts = (rows < batch_size) & (places < count)
        weight = batches * self.filled(batch_size) / count
        return np.minimum(places, count - 1), (counts * weight).astype(
            "float32"
        )
