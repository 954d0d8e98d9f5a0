"""Cubism: facets, each with its own view of the subject, muted colours."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import value_noise
from keras_artkd.datasets.atelier.palette import hsv_to_rgb
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import rgb, unit
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as a cubist would."""
    size, s = len(raster.lit), unit(raster)
    count = int(rng.integers(6, 9))
    cell, border, ramps = b.facets(rng, size, count)
    cells = cell.max() + 1
    from_x, from_y, turn = _viewpoints(rng, cell)
    view = b.pick(raster.lit, from_x, from_y)
    lines = b.pick(raster.edge, from_x, from_y)
    paint = _muted(view, rng)
    # Each facet is shaded off from one of its own sides.
    side = rng.integers(0, count, cells)[cell]
    slope = np.take_along_axis(ramps, side[None], axis=0)[0] / size
    slope = np.abs(slope) * 3.2
    sign = rng.choice([-1.0, 1.0], cells)[cell]
    fall = np.exp(-slope) - 0.5
    paint = paint * (1 + rng.uniform(0.5, 0.8) * sign * fall)[..., None]
    dabs = b.streaks(rng, np.zeros_like(border) + turn[cell], 9 * s, 3)
    paint = np.clip(paint * (1 + 0.05 * dabs)[..., None], 0, 1)
    drawn = b.contour(lines, 1.6 * s, rng, 0.4)
    paint = b.mix(paint, rgb(0.1, 0.08, 0.07), 0.6 * drawn)
    seam = np.clip(1.4 - border / (1.1 * s), 0, 1)
    fade = np.clip(0.55 + 0.6 * value_noise(rng, size, 5), 0, 1)
    paint = b.mix(paint, rgb(0.12, 0.1, 0.08), seam * fade)
    return paint * (1 + 0.04 * b.weave(rng, size, 4 * s))[..., None]


def _viewpoints(
    rng: np.random.Generator, cell: Array
) -> tuple[Array, Array, Array]:
    """Returns where each pixel looks, x and y, and each facet's turn."""
    size, cells = len(cell), cell.max() + 1
    number = np.maximum(np.bincount(cell.ravel(), minlength=cells), 1)
    row, column = np.mgrid[0:size, 0:size].astype("float32")
    cy = np.bincount(cell.ravel(), row.ravel()) / number
    cx = np.bincount(cell.ravel(), column.ravel()) / number
    turn = rng.normal(0, 0.22, cells)
    zoom = rng.uniform(0.8, 1.2, cells)
    shift = rng.normal(0, 0.035, (2, cells)) * size
    a, c = (zoom * np.cos(turn))[cell], (zoom * np.sin(turn))[cell]
    dx, dy = column - cx[cell], row - cy[cell]
    from_x = cx[cell] + shift[0][cell] + a * dx - c * dy
    from_y = cy[cell] + shift[1][cell] + c * dx + a * dy
    return from_x, from_y, turn


def _muted(view: Array, rng: np.random.Generator) -> Array:
    """Paints the view between a dark and a light of nearly one hue."""
    tone = b.luma(view)
    spread = max(float(tone.std()), 0.05)
    tone = 0.5 + (tone - tone.mean()) * (0.24 / spread)
    tone = np.clip(tone, 0, 1)[..., None]
    hue = rng.uniform(0.05, 0.2)
    low = hsv_to_rgb((hue + rng.uniform(-0.1, 0.45), 0.35, 0.15))
    high = hsv_to_rgb((hue, rng.uniform(0.12, 0.4), 0.92))
    muted = low + (high - low) * tone
    return b.mix(muted, b.expose(view, 0.4), rng.uniform(0.1, 0.55))
