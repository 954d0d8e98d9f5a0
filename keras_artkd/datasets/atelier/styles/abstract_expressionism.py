"""Abstract expressionism: colours thrown, in gestures, drips and splatter."""

import numpy as np

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.fields import soften, value_noise
from keras_artkd.datasets.atelier.raster import Raster
from keras_artkd.datasets.atelier.styles.canvas import (
    colours_at,
    ground,
    random_colour,
    unit,
)
from keras_artkd.types import Array


def render(raster: Raster, rng: np.random.Generator) -> Array:
    """Paints the raster as an abstract expressionist would."""
    size, s = len(raster.lit), unit(raster)
    palette = b.saturate(raster.lit, rng.uniform(1.0, 1.5))
    canvas = ground(size, random_colour(rng, 0.1, (0.03, 0.3), (0.45, 0.95)))
    canvas = canvas * (1 + 0.05 * b.weave(rng, size, 4 * s))[..., None]
    stain = np.clip(0.55 + 0.7 * value_noise(rng, size, 4), 0, 1)
    canvas = b.mix(canvas, soften(palette, 26 * s), stain)
    relief = np.zeros((size, size), "float32")
    angle = raster.angle + 1.4 * value_noise(rng, size, 2.5)
    for number, length, low, high in ((42, 70, 8, 18), (55, 45, 3, 8)):
        number = int(number * rng.uniform(0.7, 1.3))
        x, y = rng.uniform(0, size, (2, number)).astype("float32")
        colours = colours_at(palette, x, y, rng, 0.07)
        wide = rng.uniform(low, high, number) * s
        paths = b.flow(angle, x, y, length * s)
        b.lay(canvas, relief, paths, wide, colours, rng, 0.14, 0.55)
    enamel = _poured_lines(canvas, rng, palette, s)
    _drips(canvas, rng, palette, s)
    _splatter(canvas, rng, enamel, s)
    return b.impasto(canvas, relief, raster.light, 0.16)


def _poured_lines(
    canvas: Array, rng: np.random.Generator, palette: Array, s: float
) -> Array:
    """Adds lines that turn steadily; returns their colours."""
    size, number, steps = len(canvas), int(rng.integers(10, 26)), 150
    bend = rng.normal(0, 0.05, (steps, number)).cumsum(axis=0)
    bend += rng.normal(0, 0.025, number) * np.arange(steps)[:, None]
    heading = rng.uniform(0, 2 * np.pi, number) + bend
    x = rng.uniform(0, size, number) + (np.cos(heading) * 1.3 * s).cumsum(0)
    y = rng.uniform(0, size, number) + (np.sin(heading) * 1.3 * s).cumsum(0)
    thick = np.abs(rng.normal(0, 0.25, (steps, number)).cumsum(0)) * 0.35
    thick = np.clip(0.7 + thick, 0.6, 2.6) * s
    from_x, from_y = rng.uniform(0, size, (2, number))
    enamel = colours_at(palette, from_x, from_y, rng, 0.1)
    shade = rng.choice([0.06, 0.95, -1.0], number)
    enamel = np.where(shade[:, None] < 0, enamel, shade[:, None])
    colours = np.tile(enamel, (steps, 1)).astype("float32")
    b.dots(canvas, x.ravel(), y.ravel(), thick.ravel(), colours)
    return enamel


def _drips(
    canvas: Array, rng: np.random.Generator, palette: Array, s: float
) -> None:
    """Adds thin runs of paint straight down."""
    size, number = len(canvas), int(rng.integers(6, 24))
    x, y = rng.uniform(0, size, (2, number)).astype("float32")
    colours = colours_at(palette, x, y, rng, 0.05)
    down = np.full(number, np.pi / 2)
    paths = b.flow(np.zeros((2, 2)), x, y, 45 * s, heading=down)
    wide = rng.uniform(1.2, 2.2, number) * s
    b.lay(canvas, None, paths, wide, colours, rng, 0.03, 0.6)


def _splatter(
    canvas: Array, rng: np.random.Generator, enamel: Array, s: float
) -> None:
    """Adds drops of the poured colours."""
    size, number = len(canvas), int(rng.integers(60, 240))
    x, y = rng.uniform(0, size, (2, number))
    colours = enamel[rng.integers(0, len(enamel), number)].astype("float32")
    radii = np.clip(rng.pareto(2.5, number) + 0.5, 0, 4.5) * s
    b.dots(canvas, x, y, radii, colours)
