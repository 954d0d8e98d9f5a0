"""Units, distances, grounds and colours, which renderers begin with."""

from typing import TypeAlias

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.palette import hsv_to_rgb
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.types import Array

Range: TypeAlias = float | tuple[float, float]
"""A number, or the range to draw it from."""


def unit(raster: Raster) -> float:
    """Returns one unit of length in pixels: a 192nd of the canvas."""
    return len(raster.lit) / 192


def positions(size: int) -> Array:
    """Returns the middles of pixels along a side, 0 to 1: `(size,)` float32."""
    return (np.arange(size, dtype="float32") + 0.5) / size


def distance_to(size: int, x: float, y: float) -> Array:
    """Measures every pixel's distance from a point; 1 is the canvas's width."""
    t = positions(size)
    return np.sqrt((t[None, :] - x) ** 2 + (t[:, None] - y) ** 2)


def frame(size: int, width: float) -> Array:
    """Returns 1 in a border of this share of the canvas, otherwise 0."""
    t = (np.arange(size) + 0.5) / size
    edge = np.minimum(t, 1 - t)
    return (np.minimum(edge[:, None], edge[None, :]) < width).astype("float32")


def ground(size: int, tone: Array) -> Array:
    """Returns a canvas of one colour."""
    return np.broadcast_to(tone, (size, size, 3)).astype("float32").copy()


def rgb(*values: float) -> Array:
    """Returns a colour as an array."""
    return np.array(values, "float32")


def random_colour(
    rng: np.random.Generator, hue: Range, saturation: Range, value: Range
) -> Array:
    """Draws an RGB colour from the ranges of its HSV."""
    return hsv_to_rgb(
        [
            rng.uniform(*part) if isinstance(part, tuple) else part
            for part in (hue, saturation, value)
        ]
    )


def colours_at(
    image: Array, x: Array, y: Array, rng: np.random.Generator, spread: float
) -> Array:
    """Returns the colours under the points, each a little off."""
    colours = b.pick(image, x, y)
    shift = rng.normal(0, spread, colours.shape).astype("float32")
    return np.clip(colours + shift, 0, 1)
