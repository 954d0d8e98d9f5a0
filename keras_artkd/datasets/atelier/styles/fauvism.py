"""Fauvism: wild flat colour in loose patches between slack contours."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften, value_noise
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    colours_at,
    ground,
    random_colour,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as a fauve would."""
    size, s = len(raster.lit), unit(raster)
    flat = _wild_colours(raster, rng)
    canvas = ground(size, random_colour(rng, 0.11, (0.05, 0.25), 0.94))
    scale = rng.uniform(0.9, 1.3) * s
    relief = np.zeros((size, size), "float32")
    slack = 3 * s
    dx = slack * value_noise(rng, size, 6)
    dy = slack * value_noise(rng, size, 6)
    flat = b.warp(flat, dx, dy)
    x, y = b.scatter(rng, size, 7 * scale, 1.1)
    colours = colours_at(flat, x, y, rng, 0.035)
    paths = b.flow(raster.angle, x, y, 17 * scale)
    b.lay(canvas, relief, paths, 9 * scale, colours, rng, 0.04, 0.2)
    near = soften(raster.edge, 2.5 * s)
    x, y = b.scatter(rng, size, 4 * scale)
    keep = b.pick(near, x, y) > 0.12
    x, y = x[keep], y[keep]
    if len(x):
        colours = colours_at(flat, x, y, rng, 0.03)
        paths = b.flow(raster.angle, x, y, 8 * scale)
        b.lay(canvas, relief, paths, 4 * scale, colours, rng, 0.04, 0.2)
    line = b.contour(raster.edge, rng.uniform(1.8, 3) * s, rng, 0.4, 3 * s, 0.9)
    hue = rng.choice([0.62, 0.38, 0.95, 0.7])
    ink = random_colour(rng, hue, 0.75, (0.12, 0.35))
    canvas = b.mix(canvas, ink, 0.9 * line)
    return b.impasto(canvas, relief, raster.light, 0.08)


def _wild_colours(raster: Raster, rng: np.random.Generator) -> Array:
    """Returns flat colours, turned alike for all shapes of one kind."""
    labels = [shape.label for shape in raster.shapes]
    kinds = {k: i for i, k in enumerate(dict.fromkeys(labels))}
    turn = rng.normal(0, 0.13, len(kinds))
    hue = turn[[kinds[k] for k in labels]] + rng.normal(0, 0.03, len(labels))
    bands = np.digitize(raster.shade, (0.85,)).astype("int32")
    flat = b.flatten(b.expose(raster.lit, 0.42), raster.region, bands)
    flat = b.turn_hue(flat, hue[raster.region])
    # Shadows change their colour, not their tone.
    shadows = b.turn_hue(flat, rng.uniform(0.15, 0.4)) * 1.1
    flat = np.where((bands == 0)[..., None], shadows, flat)
    flat = np.clip(flat ** rng.uniform(0.6, 0.9), 0, 1)
    return b.saturate(flat, rng.uniform(1.6, 2.3))
