"""Pointillism: dots of divided colour, mixed by the eye."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    colours_at,
    ground,
    random_colour,
    unit,
)
from keras_artkd.types import Array

# Neighbours on the colour circle, and here and there the complement: turns
# of the hue, and how often each.
_TURNS = (-0.11, -0.06, 0.0, 0.06, 0.11, 0.5)
_SHARES = (0.2, 0.2, 0.12, 0.2, 0.2, 0.08)


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as a pointillist would."""
    size, s = len(raster.lit), unit(raster)
    target = raster.lit ** rng.uniform(0.75, 1.0)
    target = b.saturate(target, rng.uniform(1.05, 1.4))
    tone = random_colour(rng, (0, 1), (0.05, 0.35), (0.5, 0.95))
    canvas = b.mix(ground(size, tone), soften(target, 6 * s), 0.45)
    scale = rng.uniform(0.85, 1.25) * s
    contrast = rng.uniform(0.6, 1.1)
    for spacing, radius in ((4.0, 2.1), (4.4, 1.9)):
        x, y = b.scatter(rng, size, spacing * scale, 0.75)
        colours = colours_at(target, x, y, rng, 0.03)
        turns = rng.choice(_TURNS, len(x), p=_SHARES)
        vivid = b.saturate(colours, 1 + 0.7 * contrast)
        colours = b.turn_hue(vivid, turns * contrast)
        tone = 1 + 0.16 * contrast * rng.standard_normal(len(x), "float32")
        colours = np.clip(colours * tone[:, None], 0, 1)
        radii = radius * scale * rng.uniform(0.8, 1.2, len(x))
        b.dots(canvas, x, y, radii, colours)
    return canvas
