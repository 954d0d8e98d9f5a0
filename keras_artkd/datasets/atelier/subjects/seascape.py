"""Open sea: a cliff, boats, waves and a beach."""

import numpy as np

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import Colour, toned
from keras_artkd.datasets.atelier.shapes import box, ellipse
from keras_artkd.datasets.atelier.subjects.motifs import boat, sky
from keras_artkd.types import Array


def compose(easel: Easel) -> None:
    """Composes a seascape on the easel."""
    rng, horizon = easel.rng, easel.horizon
    sky(easel)
    sea = easel.vary((rng.uniform(0.45, 0.62), 0.55, 0.62))
    if rng.random() < 0.6:
        _cliff(easel)
    water = box(-0.02, horizon, 1.02, 1.02)
    easel.add("sea", water, sea, 0.7, toned(sea, 0.6), mirror=0.3)
    _glitter(easel)
    easel.focus = (rng.uniform(0.4, 0.6), horizon + 0.05)
    for _ in range(rng.integers(1, 4)):
        x, size = rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.1)
        boat(easel, x, horizon + 0.015, size, 0.75)
    swell = rng.uniform(0.5, 1.3)
    for k, y in enumerate(np.linspace(horizon + 0.06, 0.98, 8)):
        if k == 2:
            boat(easel, easel.focus[0], y, rng.uniform(0.25, 0.38), 0.4)
        _wave(easel, k, y, swell, sea)
    if rng.random() < 0.5:
        sand = easel.vary((0.1, 0.35, 0.85))
        easel.ridge("beach", 0.97, 0.1, sand, 0.1, 0.5, grain=0.1)
        for _ in range(4):
            x, y = rng.uniform(0, 1), rng.uniform(0.92, 1)
            stone = easel.vary((0.08, 0.15, 0.4))
            easel.blob("rock", x, y, 0.07, 0.05, stone, 0.1, grain=0.2)


def _cliff(easel: Easel) -> None:
    rng, horizon = easel.rng, easel.horizon
    x = np.sort(rng.uniform(0.55, 1.0, 4))
    y = horizon - np.sort(rng.uniform(0.05, 0.24, 4))
    top = zip(x, y, strict=True)
    points = [(x[0] - 0.06, horizon), *top, (1.02, y[-1]), (1.02, horizon)]
    rock, foot = easel.vary((0.08, 0.25, 0.6)), (0.08, 0.3, 0.45)
    easel.add("cliff", points, rock, 0.8, foot, angle=1.3, grain=0.25)


def _glitter(easel: Easel) -> None:
    """Adds the sun's path on the water, where there is a sun."""
    rng, horizon = easel.rng, easel.horizon
    suns = [shape for shape in easel.shapes if shape.label == "sun"]
    if not suns:
        return
    sun = suns[0].points.mean(axis=0)
    for y in np.linspace(horizon + 0.015, 0.9, 12):
        w = 0.02 + 0.09 * (y - horizon) * rng.uniform(0.5, 1.5)
        x = sun[0] + rng.normal(0, 0.02)
        easel.add("glitter", ellipse(x, y, w, 0.006), (0.12, 0.2, 1), 0.7)


def _wave(easel: Easel, k: int, y: float, swell: float, sea: Colour) -> None:
    """Adds the k-th wave from the horizon, with its foam."""
    rng, away = easel.rng, y - easel.horizon
    x = np.linspace(-0.02, 1.02, 70)
    size = 0.05 * swell * (away + 0.05)
    period = rng.uniform(0.8, 1.3) / (0.08 + 0.4 * away)
    phase = x * period * 3 + rng.uniform(0, 6.3)
    crest = y - size * (1.3 * np.abs(np.sin(phase)) ** 2 + np.sin(3 * x))
    low = crest + 0.012 + 0.05 * away
    tone = 0.7 + 0.6 * rng.random()
    hue = sea[0] + rng.normal(0, 0.02)
    easel.add(
        "wave",
        _between(x, crest, low + size),
        (hue, sea[1] * 0.9, min(1, sea[2] * tone)),
        0.6 - 0.06 * k,
        toned(sea, 0.6),
        angle=0.12 * np.sin(k),
        mirror=0.1,
        grain=0.15,
    )
    width = 0.004 + 0.02 * away
    lip = np.clip(np.sin(phase * 2 + 1), 0, 1) * width
    foam = _between(x, crest - 0.002, crest + lip)
    easel.add("foam", foam, (sea[0], 0.06, 0.97), 0.55 - 0.06 * k)


def _between(x: Array, upper: Array, lower: Array) -> Array:
    """Returns the outline of the strip between two curves."""
    return np.concatenate(
        [np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1]]
    )
