"""Houses along a quay, boats and their reflections."""

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import toned
from keras_artkd.datasets.atelier.shapes import box, ellipse
from keras_artkd.datasets.atelier.subjects.motifs import boat, person, sky


def compose(easel: Easel) -> None:
    """Composes a harbour on the easel."""
    rng, horizon = easel.rng, easel.horizon
    sky(easel)
    far = easel.vary((0.6, 0.25, 0.55))
    easel.ridge("hill", horizon, 0.14, far, 0.95, 0.7, grain=0.12)
    x = -0.05
    while x < 1.0:
        w, h = rng.uniform(0.09, 0.15), rng.uniform(0.1, 0.2)
        _quay_house(easel, x, w, h)
        x += w
    _water(easel)
    places = [(rng.uniform(0.1, 0.9), horizon + 0.05, 0.14) for _ in range(2)]
    places += [
        (rng.uniform(0.55, 0.8), horizon + 0.16, 0.28),
        (rng.uniform(0.2, 0.4), horizon + 0.27, 0.42),
    ]
    easel.focus = places[-1][:2]
    for x, y, size in places:
        if rng.random() < 0.9:
            boat(easel, x, y, size, 0.4, sails=rng.random() < 0.6)
    if rng.random() < 0.6:
        stone = easel.vary((0.09, 0.2, 0.6))
        quay = [(0.45, 1.02), (0.7, 0.9), (1.02, 0.86), (1.02, 1.02)]
        easel.add("quay", quay, stone, 0.1, grain=0.2)
        person(easel, rng.uniform(0.78, 0.9), 0.94, 0.2, 0.1)


def _quay_house(easel: Easel, x: float, w: float, h: float) -> None:
    rng, horizon = easel.rng, easel.horizon
    painted = rng.random() < 0.6
    wall = easel.pick() if painted else easel.vary((0.1, 0.15, 0.88))
    front = box(x, horizon - h, x + w, horizon + 0.01)
    easel.add("house", front, toned(wall, 1.0, 0.7), 0.75, angle=1.57)
    gable = [
        (x - 0.01, horizon - h),
        (x + w / 2, horizon - h - 0.07),
        (x + w + 0.01, horizon - h),
    ]
    tiles = easel.vary((0.03, 0.55, 0.6))
    easel.add("roof", gable, tiles, 0.75, angle=0.7)
    for row in range(2):
        for k in range(3):
            left = x + w * (0.14 + 0.28 * k)
            top = horizon - h * (0.85 - 0.42 * row)
            bright = easel.lamps_lit and rng.random() < 0.5
            pane = (0.12, 0.7, 1) if bright else (0.6, 0.3, 0.3)
            window = box(left, top, left + w * 0.14, top + h * 0.2)
            easel.add("window", window, pane, 0.74)


def _water(easel: Easel) -> None:
    rng, horizon = easel.rng, easel.horizon
    water, basin = easel.vary((0.55, 0.4, 0.6)), box(-0.02, horizon, 1.02, 1.02)
    deep = (water[0], 0.5, 0.35)
    easel.add("water", basin, water, 0.6, deep, mirror=0.65)
    quay = box(-0.02, horizon - 0.005, 1.02, horizon + 0.02)
    easel.add("quay", quay, easel.vary((0.09, 0.15, 0.5)), 0.7)
    for _ in range(14):
        y = horizon + 0.05 + 0.5 * rng.random() ** 1.5
        w = 0.03 + 0.2 * (y - horizon)
        ripple = ellipse(rng.uniform(0, 1), y, w, 0.004)
        tone = rng.choice([0.45, 0.9])
        easel.add("ripple", ripple, (water[0], 0.2, tone), 0.5)
