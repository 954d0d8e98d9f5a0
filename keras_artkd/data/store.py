"""Decoded images, in memory or in files; NumPy only."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from keras_artkd.data.pixels import (
    JoinedPixels,
    Pixels,
    parts_of,
    pixels_digest,
)
from keras_artkd.types import Array

# The label of an image that has none.
NO_LABEL = -1


@dataclasses.dataclass(frozen=True)
class ImageStore:
    """Decoded images of any aspect, end to end in one flat buffer.

    A crop of any image is then one gather by row and column. A batch of
    paintings of different shapes therefore needs neither padding nor Python.
    The buffer is an array, or files where memory is too small: then it may
    hold images of others beside these.

    Attributes:
        pixels: uint8, `(total_pixels, 3)`: every image row by row, RGB.
        offsets: int64, `(n,)`: index of each image's first pixel.
        sizes: int32, `(n, 2)`: height and width of each image, pixels.
        labels: int32, `(n,)`: class numbers; `NO_LABEL` of images without.
        keys: `(n,)` str: the name of each image in its data set.
        targets: float32, `(n, classes)`: what to learn instead of the labels,
            as `keras_artkd.runs.pseudo_labels` makes it; or None.
    """

    pixels: Pixels
    offsets: Array
    sizes: Array
    labels: Array
    keys: Array
    targets: Array | None = None

    @classmethod
    def from_images(
        cls,
        images: Iterable[Array],
        labels: npt.ArrayLike,
        keys: npt.ArrayLike,
    ) -> "ImageStore":
        """Packs uint8 `(height, width, 3)` arrays into one store."""
        images = list(images)
        sizes = np.array([i.shape[:2] for i in images], "int32").reshape(-1, 2)
        areas = sizes.prod(axis=1, dtype="int64")
        pixels = np.concatenate(
            [np.empty((0, 3), "uint8")] + [i.reshape(-1, 3) for i in images]
        )
        return cls(
            pixels=pixels,
            offsets=np.cumsum(areas) - areas,
            sizes=sizes,
            labels=np.asarray(labels, "int32"),
            keys=np.asarray(keys, str),
        )

    @classmethod
    def from_array(
        cls, images: Array, labels: npt.ArrayLike, keys: npt.ArrayLike
    ) -> "ImageStore":
        """Returns a store around uint8 `(n, height, width, 3)`, not copied."""
        count, *size, _ = images.shape
        return cls(
            pixels=images.reshape(-1, 3),
            offsets=np.arange(count, dtype="int64") * np.prod(size, dtype=int),
            sizes=np.tile(np.array(size, "int32"), (count, 1)),
            labels=np.asarray(labels, "int32"),
            keys=np.asarray(keys, str),
        )

    @classmethod
    def concatenate(cls, stores: Sequence["ImageStore"]) -> "ImageStore":
        """Joins the images of several stores, one store after the other.

        Targets are kept where all stores have them.
        """
        files = [store.pixels for store in stores]
        starts = np.cumsum([0, *map(len, files)])
        arrays = [each for each in files if isinstance(each, np.ndarray)]
        pixels: Pixels = files[0]
        if len(arrays) == len(files):
            pixels = np.concatenate(arrays)
        elif any(each is not pixels for each in files):
            pixels = JoinedPixels([p for each in files for p in parts_of(each)])
        else:
            starts = np.zeros_like(starts)
        targets = [s.targets for s in stores if s.targets is not None]
        return cls(
            pixels=pixels,
            offsets=np.concatenate(
                [
                    store.offsets + start
                    for store, start in zip(stores, starts, strict=False)
                ]
            ),
            sizes=np.concatenate([store.sizes for store in stores]),
            labels=np.concatenate([store.labels for store in stores]),
            keys=np.concatenate([store.keys for store in stores]),
            targets=np.concatenate(targets)
            if len(targets) == len(stores)
            else None,
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def has_label(self) -> Array:
        """Whether each image has a label, bool `(n,)`.

        What is learned of the others is not their class: their targets, if
        there are any, are zeros.
        """
        if self.targets is None:
            return self.labels != NO_LABEL
        known: Array = np.any(self.targets != 0, axis=1)
        return known

    @property
    def in_memory(self) -> bool:
        """Whether the pixels are an array."""
        return isinstance(self.pixels, np.ndarray)

    def content(self) -> Iterator[Array]:
        """Yields arrays whose bytes are those of all images, in order."""
        if isinstance(self.pixels, np.ndarray):
            yield self.pixels
        else:
            for index in range(len(self)):
                yield self.image(index)

    def place_digest(self) -> bytes:
        """Digest of what `content` yields, of files by their places in them.

        It reads no file, and of the same images in memory it is another.
        """
        digest = hashlib.sha256(pixels_digest(self.pixels))
        digest.update(self.offsets.tobytes() + self.sizes.tobytes())
        return digest.digest()

    def image(self, index: int) -> Array:
        """Returns one image, uint8 `(height, width, 3)`."""
        height, width = self.sizes[index]
        start = self.offsets[index]
        image: Array = self.pixels[start : start + height * width]
        return image.reshape(height, width, 3)

    def take(self, indices: npt.ArrayLike) -> "ImageStore":
        """Returns a store of the images at some positions, in that order.

        In memory they are copied; in files they stay where they are.
        """
        indices = np.asarray(indices, "int64")
        if not self.in_memory:
            columns = ("offsets", "sizes", "labels", "keys", "targets")
            return dataclasses.replace(
                self,
                **{
                    name: getattr(self, name)[indices]
                    for name in columns
                    if getattr(self, name) is not None
                },
            )
        store = ImageStore.from_images(
            [self.image(i) for i in indices],
            self.labels[indices],
            self.keys[indices],
        )
        if self.targets is None:
            return store
        return dataclasses.replace(store, targets=self.targets[indices])
