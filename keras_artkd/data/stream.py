"""Encoded images on disk, decoded when a batch needs them."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from keras_artkd.data.images import centre_square, read_image
from keras_artkd.types import Array, Tensor

_COLUMNS = ("shards", "offsets", "digests", "labels", "keys")


@dataclasses.dataclass(frozen=True)
class ImageStream:
    """JPEG images that stay in TFRecord files because memory is too small.

    Each image is one read at its place in its file. Batches are therefore
    drawn from the whole split at once, as from an `ImageStore`. A hard disk is
    too slow for these jumps; a solid-state disk is quick enough.

    Attributes:
        paths: `(files,)` str: the TFRecord files.
        short_side: int, pixels: side of what `image` gives.
        shards: int32, `(n,)`: the file of each image, an index into `paths`.
        offsets: int64, `(n,)`: where in it the image's record begins, bytes.
        digests: `(n,)` bytes: hex digest of each encoded image.
        labels: int32, `(n,)`: class numbers.
        keys: `(n,)` str: the name of each image in its data set.
    """

    paths: Array
    short_side: int
    shards: Array
    offsets: Array
    digests: Array
    labels: Array
    keys: Array

    def __len__(self) -> int:
        return len(self.labels)

    in_memory = False

    def content(self) -> Iterator[Array]:
        """Yields an array whose bytes tell these images from any others."""
        yield self.digests

    def take(self, indices: npt.ArrayLike) -> "ImageStream":
        """Returns a stream of the images at some positions, in that order."""
        indices = np.asarray(indices, "int64")
        columns = {name: getattr(self, name)[indices] for name in _COLUMNS}
        return dataclasses.replace(self, **columns)

    def image(self, index: int) -> Array:
        """Returns one central square, uint8 `(short_side, short_side, 3)`."""
        encoded = encoded_image(
            self.paths[self.shards[index]], self.offsets[index]
        )
        # Scaled first: the very pixels that a prediction crops from.
        pixels = read_image(encoded.numpy(), self.short_side)
        return centre_square(pixels, self.short_side)


@tf.function(
    input_signature=[tf.TensorSpec((), tf.string), tf.TensorSpec((), tf.int64)]
)
def encoded_image(path: Tensor, offset: Tensor) -> Tensor:
    """Reads the JPEG bytes in one record of a TFRecord file.

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
