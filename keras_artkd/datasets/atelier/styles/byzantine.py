"""Byzantine: gold leaf behind flat robes, dark contours, white lights."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    distance_to,
    frame,
    random_colour,
    rgb,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as an icon painter would."""
    size, s = len(raster.lit), unit(raster)
    gold = random_colour(rng, (0.1, 0.14), (0.45, 0.7), (0.7, 0.92))
    leaf = b.gold_leaf(rng, size, gold)
    bands = np.digitize(raster.shade, (0.82, 1.06)).astype("int32")
    robes = b.flatten(b.expose(raster.lit, 0.3), raster.region, bands)
    robes = b.saturate(robes, rng.uniform(0.9, 1.5))
    earth = b.luma(robes)[..., None] * rgb(1.0, 0.75, 0.5)
    robes = b.mix(robes, earth, rng.uniform(0.1, 0.4))
    behind = np.clip(raster.backdrop + (raster.depth > 0.82), 0, 1)
    paint = b.mix(robes, leaf, behind)
    # Lights are drawn, not modelled: fine pale lines where form turns up.
    comb = b.streaks(rng, raster.angle, 16 * s)
    lights = (comb > 0.7) * (bands == 2) * (1 - behind)
    paint = b.mix(paint, rgb(0.98, 0.92, 0.75), 0.5 * lights)
    halo = _beaded_ring(size, raster.focus, rng.uniform(0.25, 0.31), 1.6 * s)
    paint = b.mix(paint, rgb(0.45, 0.15, 0.1), 0.7 * halo * behind)
    line = b.contour(raster.edge, rng.uniform(1.8, 2.8) * s, rng, 0.3)
    paint = b.mix(paint, rgb(0.16, 0.07, 0.05), 0.85 * line)
    border = frame(size, max(0.0, rng.uniform(-0.02, 0.05)))
    paint = b.mix(paint, random_colour(rng, (0, 0.03), 0.75, 0.5), border)
    worn = b.cracks(rng, size, rng.uniform(9, 14), 0.05)
    paint = paint * (1 - 0.45 * worn)[..., None]
    return b.varnish(paint, rng, rgb(0.8, 0.65, 0.4), rng.uniform(0.1, 0.6))


def _beaded_ring(
    size: int, centre: tuple[float, float], radius: float, width: float
) -> Array:
    """Returns whether a pixel is on a bead of the halo's rim."""
    rim = np.abs(distance_to(size, *centre) - radius) * size < width
    row, column = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return rim & (np.sin(np.arctan2(row, column) * 40) > -0.5)
