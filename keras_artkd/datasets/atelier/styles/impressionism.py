"""Impressionism: broken strokes that follow form, ground in the gaps."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    colours_at,
    ground,
    random_colour,
    rgb,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as an impressionist would."""
    size, s = len(raster.lit), unit(raster)
    target = b.expose(raster.lit, rng.uniform(0.34, 0.46))
    dark = np.clip(1.1 - raster.shade, 0, 1)
    target = b.mix(target, target * rgb(0.8, 0.78, 1.15), dark)
    target = b.saturate(target, rng.uniform(1.0, 1.35))
    tone = random_colour(rng, (0, 1), (0.05, 0.3), (0.55, 0.92))
    canvas = ground(size, tone)
    relief = np.zeros((size, size), "float32")
    scale = rng.uniform(0.85, 1.3) * s
    angle = raster.angle + rng.normal(0, 0.15)
    for spacing, length, width, spread in (
        (7.5, 20, 8, 0.04),
        (4.6, 12, 4.2, 0.065),
    ):
        x, y = b.scatter(rng, size, spacing * scale, 1.3)
        colours = colours_at(target, x, y, rng, spread)
        paths = b.flow(angle, x, y, length * scale)
        wide = width * scale * rng.uniform(0.7, 1.15, len(x))
        b.lay(canvas, relief, paths, wide, colours, rng, 0.07)
    # Small accents where there is something to see.
    x, y = b.scatter(rng, size, 3.4 * scale)
    busy = soften(raster.edge, 3 * s)
    keep = b.pick(busy, x, y) > rng.uniform(0.03, 0.35, len(x))
    x, y = x[keep], y[keep]
    if len(x):
        colours = colours_at(target, x, y, rng, 0.05)
        paths = b.flow(angle, x, y, 6.5 * scale)
        b.lay(canvas, relief, paths, 2.6 * scale, colours, rng, 0.05)
    return b.impasto(canvas, relief, raster.light, 0.14)
