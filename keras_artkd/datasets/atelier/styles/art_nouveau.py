"""Art nouveau: whiplash contours, muted flat tones, a halo and vines."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    distance_to,
    positions,
    random_colour,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as a poster of about 1900."""
    size, s = len(raster.lit), unit(raster)
    cream = random_colour(rng, (0.08, 0.16), (0.12, 0.35), (0.78, 0.95))
    lit = b.expose(raster.lit, 0.4)
    flat = b.mix(b.flatten(lit, raster.region), lit, 0.2)
    flat = b.saturate(flat, rng.uniform(0.5, 0.85))
    paint = b.mix(flat, cream, rng.uniform(0.2, 0.45))
    tone = random_colour(rng, (0.05, 0.45), (0.2, 0.5), (0.5, 0.8))
    behind = (raster.depth > 0.82).astype("float32")
    paint, rim = _halo(paint, raster, rng, behind, tone, cream)
    thin = b.contour(raster.edge, 1.3 * s, rng, 0.25, 1.5 * s, 0.7)
    cut = _steps_of_depth(raster.depth)
    thick = b.contour(cut, rng.uniform(2.6, 3.8) * s, rng, 0.12, 1.5 * s, 0.9)
    line = np.maximum(np.maximum(0.75 * thin, thick), 0.8 * rim * behind)
    ink = random_colour(rng, (0.02, 0.4), 0.5, (0.12, 0.3))
    paint = b.mix(paint, ink, line)
    if rng.random() < 0.65:
        paint = _vine_border(paint, rng, tone, cream, ink)
    return paint * (1 + 0.025 * b.paper(rng, size))[..., None]


def _halo(
    paint: Array,
    raster: Raster,
    rng: np.random.Generator,
    behind: Array,
    tone: Array,
    cream: Array,
) -> tuple[Array, Array]:
    """Adds a disc with a spoked ring; returns also its two rims."""
    size, (x, y) = len(paint), raster.focus
    distance = distance_to(size, x, y)
    radius = rng.uniform(0.27, 0.38)
    t = np.linspace(0, 1, size, dtype="float32")
    spokes = np.arctan2(t[:, None] - y, t[None, :] - x)
    spokes = np.sin(spokes * rng.integers(10, 22)) > 0
    ring = (distance > radius * 0.8) & (distance < radius)
    paint = b.mix(paint, b.mix(paint, cream, 0.6), behind * (distance < radius))
    paint = b.mix(paint, tone, behind * ring * (0.45 + 0.4 * spokes))
    rim = np.abs(distance - radius) * size < unit(raster)
    rim |= np.abs(distance - 0.8 * radius) * size < unit(raster)
    return paint, rim


def _steps_of_depth(depth: Array) -> Array:
    """Returns how far the depth jumps at each pixel."""
    cut = np.zeros_like(depth)
    cut[:, 1:] = np.abs(np.diff(depth, axis=1))
    cut[1:] = np.maximum(cut[1:], np.abs(np.diff(depth, axis=0)))
    return cut


def _vine_border(
    paint: Array,
    rng: np.random.Generator,
    tone: Array,
    cream: Array,
    ink: Array,
) -> Array:
    """Adds a frame with a climbing tendril and its leaves."""
    width = rng.uniform(0.07, 0.1)
    t = positions(len(paint))
    edge = np.minimum(t, 1 - t)
    inset = np.minimum(edge[:, None], edge[None, :]) / width
    sides = edge[None, :] < edge[:, None]
    along = np.where(sides, t[:, None], t[None, :])
    waves = rng.integers(4, 7)
    stem = 0.5 + 0.3 * np.sin(2 * np.pi * waves * along)
    vine = np.abs(inset - stem) < 0.11
    # A leaf in the hollow of each wave.
    u = (2 * waves * along) % 1 - 0.5
    v = inset - (1 - stem)
    leaf = (u * 2.6) ** 2 + (v * 3.2) ** 2 < 1
    band = inset < 1
    paint = b.mix(paint, b.mix(cream, tone, 0.45), band.astype("float32"))
    leafage = random_colour(rng, (0.15, 0.45), 0.4, 0.5)
    paint = b.mix(paint, leafage, (leaf & band).astype("float32"))
    rule = (np.abs(inset - 1) < 0.09) | (np.abs(inset - 0.06) < 0.06)
    return b.mix(paint, ink, (rule | (vine & band)) * 0.9)
