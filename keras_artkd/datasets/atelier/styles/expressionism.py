"""Expressionism: long swirling strokes of thick paint, strained colours."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import value_noise
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    colours_at,
    ground,
    random_colour,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as an expressionist would."""
    size, s = len(raster.lit), unit(raster)
    turns = rng.normal(0, 0.05) + 0.07 * value_noise(rng, size, 3)
    target = b.turn_hue(b.expose(raster.lit, 0.32), turns)
    grey = b.luma(target)[..., None]
    target = np.clip(grey + (target - grey) * rng.uniform(1.4, 2.0), 0, 1)
    target = np.clip(0.5 + (target - 0.48) * rng.uniform(1.1, 1.4), 0.02, 1)
    angle = _swirling(raster, rng)
    tone = random_colour(rng, (0, 1), 0.5, (0.1, 0.5))
    canvas = ground(size, tone)
    relief = np.zeros((size, size), "float32")
    scale = rng.uniform(0.9, 1.25) * s
    for spacing, length, width in ((8.5, 30, 9), (5.8, 22, 4.6)):
        x, y = b.scatter(rng, size, spacing * scale, 1.2)
        colours = colours_at(target, x, y, rng, 0.055)
        colours = colours * rng.uniform(0.78, 1.15, (len(x), 1))
        colours = colours.astype("float32")
        paths = b.flow(angle, x, y, length * scale)
        b.lay(canvas, relief, paths, width * scale, colours, rng, 0.13, 0.25)
    line = b.contour(raster.edge, 2.6 * s, rng, 0.45, 3 * s, 0.9)
    ink = random_colour(rng, (0.55, 0.75), 0.7, (0.08, 0.25))
    canvas = b.mix(canvas, ink, line * rng.uniform(0.35, 0.8))
    return b.impasto(canvas, relief, raster.light, rng.uniform(0.22, 0.32))


def _swirling(raster: Raster, rng: np.random.Generator) -> Array:
    """Bends directions into a few vortices; the subject is one of them."""
    size = len(raster.lit)
    angle = raster.angle + rng.uniform(0.5, 0.9) * value_noise(rng, size, 4)
    near, anywhere = rng.uniform(0.05, 0.45, 2), rng.random(2)
    centres = [raster.focus, tuple(near), tuple(anywhere)]
    sine, cosine = np.sin(2 * angle), np.cos(2 * angle)
    row, column = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    row, column = row.astype("float32"), column.astype("float32")
    for k, (cx, cy) in enumerate(centres):
        swirl = np.arctan2(row - cy, column - cx) + 1.35
        pull = np.exp(-((row - cy) ** 2 + (column - cx) ** 2) / 0.04)
        pull = pull * (0.6 if k == 0 else 1.6) * (0.25 + 0.75 * raster.depth)
        sine = sine + pull * np.sin(2 * swirl)
        cosine = cosine + pull * np.cos(2 * swirl)
    return np.arctan2(sine, cosine) / 2
