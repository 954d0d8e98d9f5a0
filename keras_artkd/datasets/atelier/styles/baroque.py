"""Baroque: dark ground, one strong light, smooth modelling, a warm glaze."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften, value_noise
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    distance_to,
    positions,
    random_colour,
    rgb,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as a baroque painter would."""
    size, s = len(raster.lit), unit(raster)
    tone = random_colour(rng, (0.02, 0.14), (0.25, 0.65), (0.08, 0.2))
    gain = rng.uniform(1.15, 1.6)
    form = np.clip(raster.shade, 0.2, 1.5) ** rng.uniform(1.2, 1.8)
    paint = np.clip(raster.lit * gain * form[..., None] ** 0.5, 0, 1)
    lamp = _lamp(raster, rng)
    paint = b.mix(tone * (0.6 + 0.8 * b.luma(paint))[..., None], paint, lamp)
    paint = b.mix(paint, soften(paint, 3 * s), 0.6)
    hairs = b.streaks(rng, raster.angle, 14 * s)
    paint = paint * (1 + 0.035 * hairs * (0.3 + lamp))[..., None]
    paint = b.varnish(paint, rng, rgb(0.95, 0.78, 0.5), rng.uniform(0.1, 0.7))
    return paint * (1 - 0.25 * b.cracks(rng, size, 12, 0.03))[..., None]


def _lamp(raster: Raster, rng: np.random.Generator) -> Array:
    """Returns where the one light falls, 0 to 1."""
    size, (x, y) = len(raster.lit), raster.focus
    reach = rng.uniform(0.28, 0.42)
    spot = np.exp(-((distance_to(size, x, y) / reach) ** 2) / 2)
    # The beam comes in from the light's side, over the shoulder.
    t = positions(size)
    across = (t[None, :] - x) * raster.light[1]
    across = across - (t[:, None] - y) * raster.light[0]
    beam = np.exp(-((across / 0.2) ** 2)) * (t[:, None] < y + 0.1)
    lamp = np.clip(spot + 0.3 * beam + 0.08 * value_noise(rng, size, 4), 0, 1)
    lamp = lamp ** rng.uniform(0.8, 1.4)
    return lamp * (1 - 0.45 * raster.backdrop * rng.uniform(0.3, 1.2))
