"""Ink wash: gradations of one ink on silk, dry brush over wet, mist."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften, value_noise
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    ground,
    random_colour,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster in ink."""
    size, s = len(raster.lit), unit(raster)
    silk = random_colour(rng, (0.06, 0.16), (0.03, 0.38), (0.72, 0.97))
    ink = random_colour(rng, (0, 1), (0.0, 0.35), 0.1)
    tone = np.clip(1 - b.luma(b.expose(raster.lit, 0.4)), 0, 1)
    local = b.flatten(tone[..., None].repeat(3, -1), raster.region)[..., 0]
    wash = 0.45 * soften(tone, 7 * s) + 0.55 * local
    wash = wash ** rng.uniform(1.2, 1.7)
    mist = np.clip(1.15 - raster.depth * rng.uniform(0.6, 0.9), 0.15, 1)
    cloud = np.clip(0.75 + 0.7 * value_noise(rng, size, 4, 2), 0.2, 1.1)
    density = wash * mist * cloud * rng.uniform(1.0, 1.5)
    density = density * (1 + 0.25 * value_noise(rng, size, 8, 3))
    density = soften(density, 2 * s)
    chroma = b.saturate(soften(raster.lit, 4 * s), 1.1)
    # Colour, where there is any, is a breath of it under the ink.
    tint = rng.choice([0.0, 0.25, 0.55])
    canvas = b.mix(ground(size, silk), silk * (0.35 + 0.65 * chroma), tint)
    canvas = b.mix(canvas, ink, np.clip(density, 0, 0.92))
    _dry_brush(canvas, raster, rng, ink)
    line = b.contour(raster.edge, 1.5 * s, rng, 0.35, 1.2 * s, 1.0)
    canvas = b.mix(canvas, ink, line * np.clip(1 - raster.depth, 0.1, 0.85))
    return canvas * (1 + 0.03 * b.paper(rng, size))[..., None]


def _dry_brush(
    canvas: Array, raster: Raster, rng: np.random.Generator, ink: Array
) -> None:
    """Adds rough dark strokes along the near forms."""
    size, s = len(canvas), unit(raster)
    scale = rng.uniform(0.9, 1.2) * s
    x, y = b.scatter(rng, size, 3.5 * scale)
    want = soften(raster.edge, 2 * s) * (1.1 - raster.depth)
    keep = b.pick(want, x, y) > rng.uniform(0.12, 0.5, len(x))
    x, y = x[keep], y[keep]
    if not len(x):
        return
    under = b.pick(canvas, x, y)
    share = 0.8 - 0.56 * b.pick(raster.depth, x, y)[:, None]
    colours = under * 0.6 * (1 - share) + ink * share
    wide = rng.uniform(1.2, 3.6, len(x)) * scale
    paths = b.flow(raster.angle, x, y, 14 * scale)
    b.lay(canvas, None, paths, wide, colours, rng, 0.2, 0.8)
