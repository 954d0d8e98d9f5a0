"""What renderers measure and begin with: units, distances, grounds, colours."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.palette import hsv_to_rgb


def unit(raster):
    """One unit of length in pixels: a 192nd of the canvas."""
    return len(raster.lit) / 192


def positions(size):
    """Middles of the pixels along a side, 0 to 1: `(size,)` float32."""
    return (np.arange(size, dtype="float32") + 0.5) / size


def distance_to(size, x, y):
    """Distance of every pixel from the point, 1 is the canvas's width."""
    t = positions(size)
    return np.sqrt((t[None, :] - x) ** 2 + (t[:, None] - y) ** 2)


def frame(size, width):
    """1 in a border of this share of the canvas."""
    t = (np.arange(size) + 0.5) / size
    edge = np.minimum(t, 1 - t)
    return (np.minimum(edge[:, None], edge[None, :]) < width).astype("float32")


def ground(size, tone):
    """A canvas of one colour."""
    return np.broadcast_to(tone, (size, size, 3)).astype("float32").copy()


def rgb(*values):
    """A colour as an array."""
    return np.array(values, "float32")


def random_colour(rng, hue, saturation, value):
    """An RGB colour; each of HSV is a number or a range to draw from."""
    return hsv_to_rgb(
        [
            rng.uniform(*part) if isinstance(part, tuple) else part
            for part in (hue, saturation, value)
        ]
    )


def colours_at(image, x, y, rng, spread):
    """Colours under the points, each a little off."""
    colours = b.pick(image, x, y)
    shift = rng.normal(0, spread, colours.shape).astype("float32")
    return np.clip(colours + shift, 0, 1)
