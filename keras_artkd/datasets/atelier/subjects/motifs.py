"""Motifs of several subjects: sky, trees, houses, boats and people."""

from typing import Any

import numpy as np

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import Colour, toned
from keras_artkd.datasets.atelier.shapes import box, ellipse, outline

# Outlines about the point where the thing stands or floats, in units of its
# size: to the right, and down.
_FIR_BOUGHS = ((0, 0), (1, 0.4), (0, 0.33), (-1, 0.4))
_GABLE = ((0, 0), (0, -1), (0.2, -1.7), (0.4, -1), (0.4, 0))
_ROOF = ((0.2, -1.75), (0.82, -1.75), (1.03, -1), (0.4, -1))
_HOUSE_SHADOW = ((1, 0), (1.5, 0.1), (0, 0.1), (0, 0))
_MAINSAIL = ((0.03, -1.1), (0.2, -0.6), (0.45, -0.2), (0.03, -0.2))
_FORESAIL = ((-0.03, -1), (-0.03, -0.2), (-0.4, -0.17))
_HULL = ((-0.5, -0.14), (0.55, -0.16), (0.38, 0.05), (-0.36, 0.05))
_COAT = ((-0.08, -0.8), (0.08, -0.8), (0.19, 0), (-0.17, 0))


def sky(easel: Easel) -> None:
    """Adds the sky, sometimes a sun or moon, and clouds."""
    rng, horizon = easel.rng, easel.horizon
    high, low = easel.sky_top, easel.sky_low
    traits: dict[str, Any] = {"backdrop": True, "grain": 0.03}
    # The fade runs over the shape, so it ends at the horizon.
    upper = box(-0.02, -0.02, 1.02, horizon + 0.12)
    easel.add("sky", upper, high, 1.0, low, **traits)
    lower = box(-0.02, horizon + 0.1, 1.02, 1.02)
    easel.add("sky", lower, low, 1.0, **traits)
    if rng.random() < 0.6:
        _sun(easel)
    for _ in range(rng.integers(0, 5)):
        x, y = rng.uniform(0, 1), rng.uniform(0.06, 0.75) * horizon
        _cloud(easel, x, y, rng.uniform(0.06, 0.14))


def _sun(easel: Easel) -> None:
    rng = easel.rng
    x, r = rng.uniform(0.12, 0.45), rng.uniform(0.03, 0.06)
    low = easel.hour in ("dawn", "dusk", "gold")
    y = easel.horizon * (rng.uniform(0.6, 0.85) if low else 0.3)
    sun = (0.13, 0.25 if low else 0.1, 1.0)
    halo = tuple(np.array(easel.sky_low) * 0.4 + np.array(sun) * 0.6)
    traits: dict[str, Any] = {"backdrop": True, "follow": 1.0}
    glow = ellipse(x, y, 1.9 * r, 1.9 * r)
    easel.add("halo", glow, halo, 1.0, grain=0.02, **traits)
    easel.add("sun", ellipse(x, y, r, r), sun, 1.0, **traits)


def _cloud(easel: Easel, x: float, y: float, scale: float) -> None:
    rng, value = easel.rng, easel.sky_low[2]
    for k in rng.uniform(-1, 1, 5):
        colour = easel.vary((easel.sky_low[0], 0.1, min(1, value + 0.1)))
        easel.blob(
            "cloud",
            x + k * scale * 1.6,
            y + abs(k) * 0.3 * scale,
            scale * rng.uniform(0.6, 1),
            scale * 0.42,
            colour,
            depth=0.98,
            lumps=0.1,
            fade=(easel.sky_top[0], 0.2, value * 0.8),
            follow=0.4,
            backdrop=True,
            roundness=(0.2, 0.5),
        )


def tree(
    easel: Easel,
    x: float,
    base: float,
    height: float,
    depth: float,
    kind: str = "round",
) -> None:
    """Adds a tree at (x, base): "round", "fir" or "poplar"."""
    bark = easel.vary((0.07, 0.35, 0.33))
    easel.shadow(ellipse(x + 0.18 * height, base, height * 0.3, height * 0.06))
    _TREES[kind](easel, x, base, height, depth, bark)


def _fir(
    easel: Easel,
    x: float,
    base: float,
    height: float,
    depth: float,
    bark: Colour,
) -> None:
    _stem(easel, x, base, height, 0.2, depth, bark)
    dark = easel.vary((0.38, 0.45, 0.36))
    if easel.season == "winter":
        dark = easel.vary((0.5, 0.2, 0.6))
    traits: dict[str, Any] = {"angle": 1.2, "roundness": (0.9, 0.3)}
    for k in range(4):
        top = base - height * (1 - 0.19 * k)
        wide = height * (0.12 + 0.05 * k)
        boughs = outline(_FIR_BOUGHS, x, top, wide, height)
        green = easel.vary(dark)
        easel.add("tree", boughs, green, depth, grain=0.2, **traits)


def _poplar(
    easel: Easel,
    x: float,
    base: float,
    height: float,
    depth: float,
    bark: Colour,
) -> None:
    _stem(easel, x, base, height, 0.3, depth, bark)
    for k in range(5):
        easel.blob(
            "tree",
            x + easel.rng.normal(0, 0.015) * height,
            base - height * (0.22 + 0.17 * k),
            height * (0.15 - 0.02 * k),
            height * 0.18,
            easel.vary(easel.foliage),
            depth,
            angle=1.57,
            follow=0.3,
            grain=0.2,
        )


def _stem(
    easel: Easel,
    x: float,
    base: float,
    height: float,
    share: float,
    depth: float,
    bark: Colour,
) -> None:
    """Adds the visible share of a straight trunk."""
    w = height * 0.05
    trunk = box(x - w, base - share * height, x + w, base)
    easel.add("trunk", trunk, bark, depth, angle=1.57)


def _round_tree(
    easel: Easel,
    x: float,
    base: float,
    height: float,
    depth: float,
    bark: Colour,
) -> None:
    rng, w = easel.rng, height * 0.05
    lean = rng.normal(0, 0.06) * height
    top = base - 0.55 * height
    trunk = [
        (x - w, base),
        (x + w, base),
        (x + lean + w * 0.6, top),
        (x + lean - w * 0.6, top),
    ]
    easel.add("trunk", trunk, bark, depth, angle=1.57, roundness=(0.9, 0))
    for _ in range(9):
        turn, r = rng.uniform(0, 6.3), rng.uniform(0.05, 0.26) * height
        leaves = easel.vary(easel.foliage)
        lift = np.sin(turn) * r
        easel.blob(
            "tree",
            x + lean + np.cos(turn) * r * 1.15,
            base - 0.7 * height + lift,
            height * 0.17,
            height * 0.15,
            toned(leaves, 1 - 0.9 * lift / height),
            depth,
            grain=0.25,
        )


_TREES = {"round": _round_tree, "fir": _fir, "poplar": _poplar}


def house(
    easel: Easel, x: float, base: float, width: float, depth: float
) -> None:
    """Adds a house with a gable, a lit front and a darker side."""
    rng, vary = easel.rng, easel.vary
    wall, roof = vary((0.1, 0.18, 0.85)), vary((0.03, 0.5, 0.55))
    if rng.random() < 0.4:
        wall, roof = easel.pick(), vary((0.6, 0.2, 0.4))
    h = width * rng.uniform(0.5, 0.8)
    easel.shadow(outline(_HOUSE_SHADOW, x, base, width))
    front = outline(_GABLE, x, base, width, h)
    easel.add("house", front, wall, depth, angle=1.57)
    side = outline(box(0.4, -1, 1, 0), x, base, width, h)
    easel.add("house", side, toned(wall, 0.65), depth, angle=1.57)
    tiles = outline(_ROOF, x, base, width, h)
    easel.add("roof", tiles, roof, depth, angle=0.9)
    pane = (0.12, 0.7, 0.95) if easel.lamps_lit else (0.6, 0.2, 0.25)
    for left in (0.1, 0.26, 0.5, 0.75):
        window = box(0, -0.75, 0.09, -0.4)
        window = outline(window, x + left * width, base, width, h)
        easel.add("window", window, pane, depth)


def boat(
    easel: Easel,
    x: float,
    y: float,
    size: float,
    depth: float,
    sails: bool = True,
) -> None:
    """Adds a sailing boat whose waterline is at y."""
    hull, sail = easel.pick(), easel.vary((0.1, 0.12, 0.95))
    if easel.rng.random() < 0.4:
        sail = easel.vary((0.04, 0.55, 0.75))
    easel.shadow(ellipse(x, y + 0.06 * size, 0.55 * size, 0.07 * size))
    mast = outline(box(-0.014, -1.15, 0.014, 0), x, y, size)
    easel.add("mast", mast, (0.07, 0.4, 0.3), depth, angle=1.57)
    if sails:
        traits: dict[str, Any] = {"roundness": (0.6, 0)}
        main = outline(_MAINSAIL, x, y, size)
        easel.add("sail", main, sail, depth, angle=1.3, **traits)
        fore = outline(_FORESAIL, x, y, size)
        easel.add("sail", fore, easel.vary(sail), depth, angle=1.8, **traits)
    body = outline(_HULL, x, y, size)
    easel.add("boat", body, hull, depth, toned(hull, 0.5))


def person(
    easel: Easel, x: float, base: float, height: float, depth: float
) -> None:
    """Adds a small standing figure."""
    coat = easel.pick()
    easel.shadow(ellipse(x + 0.2 * height, base, 0.25 * height, 0.05 * height))
    body = outline(_COAT, x, base, height)
    easel.add("figure", body, coat, depth, angle=1.5, roundness=(0.9, 0))
    head = ellipse(x, base - 0.88 * height, 0.075 * height, 0.1 * height)
    easel.add("figure", head, (0.07, 0.4, 0.85), depth)
    hat = outline(box(-0.1, -1, 0.1, -0.93), x, base, height)
    easel.add("hat", hat, easel.pick(), depth)
