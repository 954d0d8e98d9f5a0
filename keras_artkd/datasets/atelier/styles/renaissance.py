"""Renaissance: even light, sfumato edges, blue distance, tempera hatching."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import random_colour, rgb, unit
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as a renaissance painter would."""
    size, s = len(raster.lit), unit(raster)
    paint = b.expose(raster.lit, rng.uniform(0.32, 0.42))
    paint = b.saturate(paint, rng.uniform(1.0, 1.3))
    # Sfumato: turning forms lose their edges, far ones more than near ones.
    smoke = soften(paint, rng.uniform(5, 8) * s)
    veil = np.clip(0.15 + 0.55 * raster.depth, 0, 0.7)
    paint = b.mix(paint, smoke, veil)
    air = random_colour(rng, (0.45, 0.6), (0.1, 0.35), (0.55, 0.85))
    paint = b.mix(paint, air, rng.uniform(0.15, 0.4) * raster.depth**2)
    grey = b.luma(paint)[..., None]
    earth = random_colour(rng, (0.07, 0.13), 0.45, 1.0)
    paint = b.mix(paint, grey * earth * 1.1, rng.uniform(0.05, 0.3))
    paint = 0.04 + 0.96 * paint ** rng.uniform(0.9, 1.2)
    hatch = b.streaks(rng, raster.angle + 0.5, 9 * s)
    paint = paint * (1 + 0.03 * hatch)[..., None]
    paint = b.varnish(paint, rng, rgb(0.92, 0.85, 0.6), rng.uniform(0.1, 0.5))
    worn = b.cracks(rng, size, rng.uniform(14, 20), 0.035)
    return paint * (1 - 0.2 * worn)[..., None]
