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
    old = images.shape[-2]
    if old == side:
        return images
    matrix = resize_matrix(old, side)
    flat = images.reshape(-1, old, old, images.shape[-1])
    resized = np.empty((len(flat), side, side, flat.shape[-1]), "uint8")
    for index, image in enumerate(flat):
        rows = matrix @ image.reshape(old, -1).astype("float32")
        rows = _round(rows).reshape(side, old, -1)
        columns = np.tensordot(matrix, rows, axes=(1, 1))
        resized[index] = _round(columns).swapaxes(0, 1)
    return resized.reshape(*images.shape[:-3], *resized.shape[1:])


def _round(values: Array) -> Array:
    """Rounds, halves up, as the pipeline does."""
    rounded: Array = np.floor(values + np.float32(0.5))
    return rounded
