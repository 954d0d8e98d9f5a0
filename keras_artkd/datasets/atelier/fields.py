"""Smooth fields over the canvas: blurring and random noise."""

import numpy as np
from PIL import Image

from keras_artkd.types import Array


def soften(field: Array, radius: float) -> Array:
    """Blurs a float `(h, w)` or `(h, w, c)` array by shrinking it and back."""
    if field.ndim == 3:
        planes = [soften(field[..., c], radius) for c in range(field.shape[2])]
        return np.stack(planes, axis=-1)
    height, width = field.shape
    small = (max(2, round(width / radius)), max(2, round(height / radius)))
    image = Image.fromarray(np.ascontiguousarray(field, "float32"))
    image = image.resize(small, Image.Resampling.BILINEAR)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def value_noise(
    rng: np.random.Generator, size: int, cells: float, octaves: int = 1
) -> Array:
    """Draws smooth noise of about unit range: `(size, size)` float32."""
    total = np.zeros((size, size), "float32")
    for octave in range(octaves):
        n = min(size, max(2, int(cells * 2**octave)) + 1)
        grid = rng.uniform(-1, 1, (n, n)).astype("float32")
        image = Image.fromarray(grid).resize(
            (size, size), Image.Resampling.BICUBIC
        )
        total += np.asarray(image) * 0.5**octave
    return total
