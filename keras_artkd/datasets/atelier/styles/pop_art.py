"""Pop art: a printed comic of loud inks, halftone dots, thick black lines."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften
from keras_artkd.datasets.atelier.palette import hsv_to_rgb
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import random_colour, rgb, unit
from keras_artkd.types import Array

# HSV.
_INKS = (
    (0.99, 0.85, 0.9),
    (0.14, 0.9, 0.98),
    (0.6, 0.85, 0.75),
    (0.5, 0.6, 0.9),
    (0.92, 0.5, 0.97),
    (0.33, 0.7, 0.65),
    (0, 0, 0.98),
    (0.07, 0.45, 0.98),
    (0, 0, 0.08),
    (0.62, 0.6, 0.3),
)


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Prints the raster as a comic."""
    s = unit(raster)
    turn = rng.choice([0.0, 0.0, 0.08, 0.33, 0.6])
    inks = b.turn_hue(hsv_to_rgb(_INKS), turn)
    bands = np.digitize(raster.shade, (0.85,)).astype("int32")
    flat = b.flatten(b.expose(raster.lit, 0.45), raster.region, bands)
    flat = b.saturate(flat, 2.2)
    # Nearest ink: the square of a difference, with the constant left out.
    score = (inks**2).sum(axis=1) - 2 * sum(
        flat[..., c, None] * inks[:, c] for c in range(3)
    )
    sheet = inks[score.argmin(axis=-1)]
    paper = random_colour(rng, 0.13, (0.0, 0.25), (0.88, 1))
    pitch = rng.uniform(5.5, 8.5) * s
    tone = np.clip(1.2 - b.luma(flat), 0.2, 0.75)
    screen = b.halftone(soften(tone, 4 * s), pitch, rng.uniform(0.2, 1.2))
    # Some inks are printed solid, the others as dots on the paper.
    kinds = rng.random(len(raster.shapes)) < rng.uniform(0.45, 0.8)
    dotted = kinds[raster.region] | (raster.backdrop > 0)
    base = inks[1] if rng.random() < 0.3 else paper
    dots = b.mix(sheet, base, 1 - screen)
    sheet = np.where(dotted[..., None], dots, sheet)
    dark = b.halftone(np.clip(1.1 - 1.2 * raster.shade, 0, 0.45), pitch, 0.8)
    sheet = b.mix(sheet, rgb(0.05, 0.05, 0.08), dark)
    line = b.contour(raster.edge, rng.uniform(2.2, 3.4) * s, rng, 0.4, 0, 0.4)
    sheet = b.mix(sheet, rgb(0.03, 0.03, 0.05), line)
    return sheet * b.mix(np.ones(3, "float32"), paper, 0.6)
