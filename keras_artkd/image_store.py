"""Decoded images in memory; NumPy only."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class ImageStore:
    """Decoded images of any aspect, end to end in one flat buffer.

    A crop of any image is then one gather by row and column, so a batch of
    differently shaped paintings needs neither padding nor Python.

    Attributes:
        pixels: uint8, `(total_pixels, 3)`: every image row by row, RGB.
        offsets: int64, `(n,)`: index of each image's first pixel.
        sizes: int32, `(n, 2)`: height and width of each image, pixels.
        labels: int32, `(n,)`: class numbers.
        keys: `(n,)` str: what each image is called in its data set.
    """

    pixels: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray
    labels: np.ndarray
    keys: np.ndarray

    @classmethod
    def from_images(cls, images, labels, keys):
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
    def from_array(cls, images, labels, keys):
        """A store around uint8 `(n, height, width, 3)`, not copied."""
        count, *size, _ = images.shape
        return cls(
            pixels=images.reshape(-1, 3),
            offsets=np.arange(count, dtype="int64") * np.prod(size, dtype=int),
            sizes=np.tile(np.array(size, "int32"), (count, 1)),
            labels=np.asarray(labels, "int32"),
            keys=np.asarray(keys, str),
        )

    def __len__(self):
        return len(self.labels)

    @property
    def content(self):
        """Array whose bytes tell these images from any others."""
        return self.pixels

    def image(self, index):
        """One image, uint8 `(height, width, 3)`."""
        height, width = self.sizes[index]
        start = self.offsets[index]
        return self.pixels[start : start + height * width].reshape(
            height, width, 3
        )

    def take(self, indices):
        """A store of the images at some positions, in that order."""
        return ImageStore.from_images(
            [self.image(i) for i in indices],
            self.labels[indices],
            self.keys[indices],
        )
