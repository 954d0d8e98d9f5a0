"""A street between tall houses, a tower at its end, people."""

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import toned
from keras_artkd.datasets.atelier.shapes import box, ellipse
from keras_artkd.datasets.atelier.subjects.motifs import person, sky


def compose(easel: Easel) -> None:
    """Composes a city on the easel."""
    rng = easel.rng
    # Where the street's lines meet.
    vx, vy = rng.uniform(0.42, 0.58), rng.uniform(0.5, 0.6)
    easel.horizon, easel.focus = vy, (vx, vy)
    sky(easel)
    haze = easel.vary((0.6, 0.2, 0.5))
    easel.ridge("roofs", vy + 0.02, 0.12, haze, 0.95, 1.2)
    if rng.random() < 0.7:
        _tower(easel, vx, vy)
    stone = easel.vary((0.09, 0.12, 0.68))
    street = [
        (-0.02, 1.02),
        (-0.02, 0.8),
        (vx - 0.02, vy + 0.02),
        (vx + 0.02, vy + 0.02),
        (1.02, 0.8),
        (1.02, 1.02),
    ]
    easel.add("street", street, stone, 0.4, toned(stone, 0.7), grain=0.2)
    for side in (-1, 1):
        # How far along the street, 1 at the edge of the picture.
        near, far = 1.05, 0.16
        while near > far:
            step = near * rng.uniform(0.22, 0.36)
            back = max(near - step, far * 0.9)
            _building(easel, side, near, back)
            near = back
    for _ in range(rng.integers(2, 7)):
        t = rng.uniform(0.35, 1.0)
        x = vx + rng.uniform(-0.35, 0.35) * t
        person(easel, x, vy + 0.36 * t + 0.02, 0.26 * t, 0.25)


def _tower(easel: Easel, x: float, base: float) -> None:
    rng = easel.rng
    top, w = rng.uniform(0.12, 0.28), rng.uniform(0.025, 0.045)
    stone = easel.vary((0.1, 0.15, 0.65))
    wall = box(x - w, top, x + w, base)
    easel.add("tower", wall, stone, 0.85, angle=1.57)
    spire = [(x - w * 1.2, top), (x, top - 0.13), (x + w * 1.2, top)]
    copper = easel.vary((0.5, 0.3, 0.45))
    easel.add("tower", spire, copper, 0.85, angle=1.57)
    clock = ellipse(x, top + 0.05, w * 0.5, w * 0.6)
    easel.add("window", clock, (0.12, 0.3, 0.9), 0.84)


def _building(easel: Easel, side: int, near: float, back: float) -> None:
    """Adds a house on the left (-1) or right (1) between two distances."""
    rng, (vx, vy) = easel.rng, easel.focus
    tall = rng.uniform(0.55, 0.95)
    painted = rng.random() < 0.55
    wall = easel.pick() if painted else easel.vary((0.1, 0.2, 0.85))
    wall = toned(wall, 1.0 if side < 0 else 0.72, 0.75)
    reach = vx if side < 0 else 1 - vx
    depth = 0.6 * (1 - near)

    def at(t: float, height: float) -> tuple[float, float]:
        x = vx + side * t * (reach + 0.02)
        return (x, vy + 0.36 * t - height * t)

    def front(
        near: float, back: float, low: float, high: float, overhang: float = 1.0
    ) -> list[tuple[float, float]]:
        return [
            at(near * overhang, low),
            at(near, high),
            at(back, high),
            at(back, low),
        ]

    easel.add(
        "building",
        front(near, back, 0, tall + 0.3),
        wall,
        0.3 + depth,
        toned(wall, 0.8),
        angle=1.57,
        grain=0.1,
    )
    roof = front(near, back, tall + 0.28, tall + 0.36, overhang=1.02)
    easel.add("roof", roof, easel.vary((0.03, 0.4, 0.42)), 0.3 + depth)
    for row in range(4):
        low = 0.12 + row * (tall + 0.1) / 4
        high = low + (0.1 if row else 0.16)
        for k in range(3):
            left = near + (back - near) * (k + 0.25) / 3
            right = near + (back - near) * (k + 0.75) / 3
            bright = easel.lamps_lit and rng.random() < 0.5
            pane = (0.12, 0.65, 1.0) if bright else (0.6, 0.25, 0.28)
            window = front(left, right, low, high)
            easel.add("window", window, easel.vary(pane), 0.29 + depth)
    far_side, near_side = (0.08, 0.12) if side < 0 else (0.25, 0.3)
    easel.shadow(
        [at(near, 0), at(back, 0), at(back, -far_side), at(near, -near_side)]
    )
