"""Resizing of square crops, with antialiasing, to the same bytes anywhere.

Networks of one training may see the same crop at different resolutions. A
resize is one small matrix for rows and columns. Its weights are multiples of
1/256, therefore products and sums with 8-bit pixels are exact in float32, in
any order, on any processor: NumPy, TensorFlow and a device agree.
"""

import functools

import numpy as np

from keras_artkd.types import Array

# Weights are whole numbers over this.
_UNIT = 256


@functools.lru_cache(maxsize=64)
def resize_matrix(old: int, new: int) -> Array:
    """Weights of a resize with antialiasing, of one side.

    The triangle filter, as wide as a new pixel (of an old one where the image
    grows), pixels at their centres: Pillow's `BILINEAR`, and TensorFlow's
    `resize(antialias=True)`, with weights rounded to multiples of 1/256.

    Args:
        old: int, pixels of the side.
        new: int, pixels afterwards.

    Returns:
        float32 `(new, old)`, read-only; every row sums to 1.
    """
    scale = old / new
    width = max(scale, 1.0)
    centres = (np.arange(new) + 0.5) * scale - 0.5
    distance = np.abs(np.arange(old)[None, :] - centres[:, None]) / width
    weights = np.maximum(1 - distance, 0)
    parts = _UNIT * weights / weights.sum(axis=1, keepdims=True)
    whole = np.floor(parts)
    # What rounding down has left goes to the largest remainders. These are
    # distinct up to symmetry; of equal ones the first in order get it.
    missing = np.rint(_UNIT - whole.sum(axis=1)).astype(int)
    order = np.argsort(-np.round(parts - whole, 9), axis=1, kind="stable")
    ranks = np.argsort(order, axis=1)
    whole += ranks < missing[:, None]
    matrix = (whole / _UNIT).astype("float32")
    matrix.flags.writeable = False
    return matrix


def resize_squares(images: Array, side: int) -> Array:
    """Resizes square images.

    Args:
        images: uint8 `(..., old side, old side, channels)`.
        side: int, of the result, pixels.

    Returns:
        uint8 `(..., side, side, channels)`; the images themselves where they
        have the size.
    """
    old, channels = images.shape[-2:]
    if old == side:
        return images
    flat = images.reshape(-1, old, old, channels)
    resized = np.empty((len(flat), side, side, channels), "uint8")
    for index, image in enumerate(flat):
        rows = _resize_first_axis(image.reshape(old, -1), side)
        columns = rows.reshape(side, old, channels).swapaxes(0, 1)
        square = _resize_first_axis(columns.reshape(old, -1), side)
        resized[index] = square.reshape(side, side, channels).swapaxes(0, 1)
    return resized.reshape(*images.shape[:-3], *resized.shape[1:])


def _resize_first_axis(values: Array, new: int) -> Array:
    """The product with the matrix, rounded, of `(old, n)`; uint8 `(new, n)`.

    A new pixel has few old ones. Their weighted sum is as fast as a product
    by a BLAS, whose threads would wait for each other on a busy machine.
    """
    places, weights = _weighted_places(len(values), new)
    total = np.zeros((new, values.shape[1]), "float32")
    for place, weight in zip(places, weights, strict=True):
        total += weight[:, None] * values[place]
    # Halves up, as the pipeline does.
    return np.floor(total + np.float32(0.5)).astype("uint8")


@functools.lru_cache(maxsize=64)
def _weighted_places(old: int, new: int) -> tuple[Array, Array]:
    """Which old pixels each new one has, `(most, new)`, and their weights."""
    matrix = resize_matrix(old, new)
    most = int((matrix > 0).sum(axis=1).max())
    first = np.minimum((matrix > 0).argmax(axis=1), old - most)
    places = first + np.arange(most)[:, None]
    return places, np.take_along_axis(matrix, places.T, axis=1).T
