"""Ukiyo-e: a woodblock print of key lines, flat inks, bokashi and grain."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import value_noise
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    frame,
    positions,
    random_colour,
    rgb,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Prints the raster from blocks of wood."""
    size, s = len(raster.lit), unit(raster)
    bands = np.digitize(raster.shade, (0.78,)).astype("int32")
    lit = b.expose(raster.lit, 0.4)
    inks = b.flatten(lit, raster.region, bands)
    inks = b.mix(inks, b.flatten(lit, raster.region), 0.5)
    inks = b.saturate(inks, rng.uniform(0.7, 1.2))
    paper = random_colour(rng, (0.09, 0.15), (0.06, 0.28), (0.82, 0.97))
    inks = inks * b.mix(np.ones(3, "float32"), paper, 0.7)
    sheet = b.mix(inks, paper, rng.uniform(0.1, 0.35))
    sheet = _bokashi(sheet, raster, rng, paper)
    t = positions(size)[:, None]
    grain = np.sin(t * rng.uniform(110, 170) + 7 * value_noise(rng, size, 3))
    fibre = b.paper(rng, size)
    sheet = sheet * (1 + 0.03 * grain + 0.035 * fibre)[..., None]
    wide = rng.uniform(1.3, 2.0) * s
    line = b.contour(raster.edge, wide, rng, 0.22, 0.8 * s, 0.8)
    key = random_colour(rng, 0.63, 0.5, (0.08, 0.25))
    # Colour blocks are never quite in register with the key block.
    off = int(round(rng.uniform(-1.2, 1.2) * s))
    sheet = b.mix(np.roll(sheet, off, axis=1), key, 0.9 * line)
    sheet = b.mix(sheet, paper, frame(size, rng.choice([0.0, 0.025, 0.035])))
    if rng.random() < 0.5:
        sheet = b.mix(sheet, rgb(0.72, 0.16, 0.1), 0.9 * _seal(size, rng))
    return sheet


def _bokashi(
    sheet: Array, raster: Raster, rng: np.random.Generator, paper: Array
) -> Array:
    """Wipes the block: the sky fades from dark to paper; deep water."""
    t = positions(len(sheet))[:, None]
    far = raster.depth > 0.9
    hue = rng.choice([0.6, 0.62, 0.98, 0.55])
    indigo = random_colour(rng, hue, (0.4, 0.8), (0.3, 0.7))
    wiped = np.exp(-t / rng.uniform(0.06, 0.2))
    wiped = wiped * np.ones((1, len(sheet)), "float32")
    sheet = b.mix(sheet, paper, 0.55 * far * np.clip(2.4 * t, 0, 1))
    sheet = b.mix(sheet, indigo, 0.85 * wiped * (raster.backdrop > 0))
    water = np.array([shape.mirror > 0 for shape in raster.shapes])
    deep = np.clip((t - 0.6) / 0.4, 0, 1) * water[raster.region]
    return b.mix(sheet, indigo, 0.5 * deep)


def _seal(size: int, rng: np.random.Generator) -> Array:
    """Draws the artist's worn seal, 0 to 1."""
    x, y = rng.choice([0.07, 0.88]), rng.choice([0.06, 0.7])
    seal = np.zeros((size, size), "float32")
    top, left = int(y * size), int(x * size)
    seal[top : top + int(0.13 * size), left : left + int(0.055 * size)] = 1
    return seal * (value_noise(rng, size, 50) > -0.45)
