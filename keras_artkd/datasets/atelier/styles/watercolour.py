"""Watercolour: transparent washes, wet edges, blooms, white paper."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften, value_noise
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    distance_to,
    positions,
    random_colour,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster in washes on white paper."""
    size, s = len(raster.lit), unit(raster)
    tooth = b.paper(rng, size)
    paper = random_colour(rng, (0.08, 0.16), (0.0, 0.1), (0.92, 1.0))
    dx = 2.2 * s * value_noise(rng, size, 7, 2)
    dy = 2.2 * s * value_noise(rng, size, 7, 2)
    lit = b.expose(raster.lit, 0.42)
    lit, edge = b.warp(lit, dx, dy), b.warp(raster.edge, dx, dy)
    wash = soften(lit, 1.8 * s)
    wet = np.clip(value_noise(rng, size, 4) * 1.5 + 0.2, 0, 1)
    wash = b.mix(wash, soften(lit, 10 * s), wet * rng.uniform(0.3, 0.7))
    wash = b.saturate(wash, rng.uniform(1.05, 1.5))
    density = rng.uniform(0.55, 0.95)
    flow = _flow_of_pigment(rng, edge, wet, s) + 0.16 * tooth
    # The highlights, and a little here and there, were never painted.
    light = np.clip((b.luma(lit) - rng.uniform(0.72, 0.9)) * 5, 0, 1)
    skip = (edge > 0.15) & (value_noise(rng, size, 12) > 0.55)
    skip = np.clip(2 * soften(skip.astype("float32"), 1.8 * s), 0, 1)
    inside = _margin(size, rng, rng.uniform(-0.03, 0.06))
    laid = np.clip(flow, 0.1, 2.2) * (1 - light) * (1 - 0.9 * skip)
    # And it gathers along the border of the sheet.
    blurred = soften(inside, 3 * s)
    border = np.clip(blurred * (1 - blurred) * 4 - 0.4, 0, 1)
    laid = laid * inside + 0.5 * border * inside
    pigment = np.clip(wash, 0.06, 1) ** (density * laid)[..., None]
    return paper * pigment * (1 + 0.025 * tooth)[..., None]


def _flow_of_pigment(
    rng: np.random.Generator, edge: Array, wet: Array, s: float
) -> Array:
    """Returns how much pigment settles: rims of washes and blooms."""
    size = len(edge)
    flow = 1 + 0.35 * value_noise(rng, size, 6, 3)
    # Pigment gathers where a wash dries last: just inside its outline.
    rim = soften((edge > 0.2).astype("float32"), 2.2 * s)
    flow = flow + rng.uniform(0.5, 1.0) * np.clip(rim * 1.8, 0, 1) * (1 - wet)
    for _ in range(rng.integers(2, 6)):
        x, y, r = *rng.random(2), rng.uniform(0.06, 0.17)
        ring = distance_to(size, x, y) / r + 0.35 * value_noise(rng, size, 9, 2)
        flow = flow - 0.45 * np.clip(1.3 * (1 - ring), 0, 1)
        flow = flow + 0.5 * np.exp(-(((ring - 1.05) / 0.07) ** 2))
    return flow


def _margin(size: int, rng: np.random.Generator, width: float) -> Array:
    """Returns 1 where a sheet was painted, with an uneven border."""
    t = positions(size)
    edge = np.minimum(t, 1 - t)
    edge = np.minimum(edge[:, None], edge[None, :])
    rough = 0.012 * value_noise(rng, size, 12, 3)
    return (edge + rough > width).astype("float32")
