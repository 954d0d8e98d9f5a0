"""Encoded images on disk, decoded when a batch wants them."""

import dataclasses

import numpy as np
import tensorflow as tf

from keras_artkd.datasets.records import map_threads
from keras_artkd.image_store import ImageStore
from keras_artkd.images import centre_square, read_image

_COLUMNS = ("shards", "offsets", "digests", "labels", "keys")


@dataclasses.dataclass(frozen=True)
class ImageStream:
    """JPEG images that stay in TFRecord files: what memory cannot hold.

    Any image is one read at its place in its file, so batches are drawn from
    the whole split at once, as from an `ImageStore`. On a hard disk, which is
    slow to jump, that waits for the disk; a solid-state disk keeps up.

    Attributes:
        paths: `(files,)` str: the TFRecord files.
        short_side: int, pixels: side of what `image` and `decode` give.
        shards: int32, `(n,)`: which of the files has each image.
        offsets: int64, `(n,)`: where in it the image's record begins, bytes.
        digests: `(n,)` bytes: hex digest of each encoded image.
        labels: int32, `(n,)`: class numbers.
        keys: `(n,)` str: what each image is called in its data set.
    """

    paths: np.ndarray
    short_side: int
    shards: np.ndarray
    offsets: np.ndarray
    digests: np.ndarray
    labels: np.ndarray
    keys: np.ndarray

    def __len__(self):
        return len(self.labels)

    @property
    def content(self):
        """Array whose bytes tell these images from any others."""
        return self.digests

    def take(self, indices):
        """A stream of the images at some positions, in that order."""
        return dataclasses.replace(
            self, **{name: getattr(self, name)[indices] for name in _COLUMNS}
        )

    def image(self, index):
        """One image's central square, uint8 `(short_side, short_side, 3)`."""
        encoded = encoded_image(
            self.paths[self.shards[index]], self.offsets[index]
        )
        # Scaled first: the very pixels that a prediction crops from.
        pixels = read_image(encoded.numpy(), self.short_side)
        return centre_square(pixels, self.short_side)

    def decode(self):
        """All images as an `ImageStore`: their central squares, in memory."""
        shape = (len(self), self.short_side, self.short_side, 3)
        images = np.empty(shape, "uint8")
        for row, image in enumerate(map_threads(self.image, range(len(self)))):
            images[row] = image
        return ImageStore.from_array(images, self.labels, self.keys)


@tf.function(
    input_signature=[tf.TensorSpec((), tf.string), tf.TensorSpec((), tf.int64)]
)
def encoded_image(path, offset):
    """The JPEG bytes in one record of a TFRecord file.

    Args:
        path: str, the file.
        offset: int, where in it the record begins, bytes.

    Returns:
        Scalar string tensor.
    """
    # `tf.data.TFRecordDataset` itself can only begin with the first record.
    records = tf.raw_ops.TFRecordDatasetV2(
        filenames=tf.reshape(path, [1]),
        compression_type="",
        buffer_size=tf.constant(0, tf.int64),
        byte_offsets=tf.reshape(offset, [1]),
    )
    records = tf.data.experimental.from_variant(
        records, tf.TensorSpec((), tf.string)
    )
    return tf.io.parse_single_example(
        records.take(1).get_single_element(),
        {"image": tf.io.FixedLenFeature((), tf.string)},
    )["image"]
