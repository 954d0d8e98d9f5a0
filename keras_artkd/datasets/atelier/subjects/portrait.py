"""Head and shoulders before a wall, a curtain or hills."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import Colour, toned
from keras_artkd.datasets.atelier.shapes import box, ellipse, outline
from keras_artkd.datasets.atelier.subjects.motifs import sky

# The light on a feature, see `_face`.
_Light: TypeAlias = Callable[..., Colour]

# Outlines about a point of the face, in units of its half width and height.
_JAW = (
    (0.97, 0.3),
    (0.72, 0.68),
    (0.28, 1.0),
    (-0.28, 1.0),
    (-0.72, 0.68),
    (-0.97, 0.3),
)
_BROW = ((-0.22, -0.15), (0.08, -0.22), (0.27, -0.13), (0.08, -0.17))
_UPPER_LIP = (
    (-0.3, 0),
    (-0.08, -0.06),
    (0, -0.04),
    (0.08, -0.06),
    (0.3, 0),
    (0, 0.02),
)
_LOWER_LIP = ((-0.26, 0), (0, 0.015), (0.26, 0), (0.1, 0.09), (-0.1, 0.09))
_HAT_CROWN = ((-1, -0.63), (-0.8, -1.25), (0.8, -1.25), (1, -0.63))
_HAT_BAND = ((-1, -0.64), (-0.96, -0.78), (0.96, -0.78), (1, -0.64))


def compose(easel: Easel) -> None:
    """Composes a portrait on the easel."""
    rng, vary = easel.rng, easel.vary
    x, y = rng.uniform(0.44, 0.56), rng.uniform(0.4, 0.46)
    w, h = rng.uniform(0.155, 0.185), rng.uniform(0.21, 0.24)
    easel.focus, turn = (x, y), rng.uniform(-0.3, 0.3) * w
    _background(easel)
    skin = vary((0.065, rng.uniform(0.3, 0.55), rng.uniform(0.6, 0.95)))
    hair = vary((rng.uniform(0.04, 0.11), 0.5, rng.uniform(0.12, 0.7)))
    coat, long_hair = easel.pick(), rng.random() < 0.55
    if long_hair:
        size = (w * 1.45, h * 1.35)
        traits: dict[str, Any] = {"angle": 1.57, "follow": 0.6}
        easel.blob(
            "hair", x, y + 0.08, *size, hair, 0.35, 0.05, grain=0.3, **traits
        )
    _body(easel, x, y + h + 0.11, coat)
    _neck(easel, x, y, w, h, skin)
    if not long_hair:
        size = (w * 1.13, h * 1.08)
        easel.blob("hair", x, y - 0.03, *size, hair, 0.35, 0.03, grain=0.3)
        for side in (-1, 1):
            ear = ellipse(x + side * w * 0.98, y + 0.02, 0.02, 0.04)
            easel.add("ear", ear, skin, 0.2, follow=1.0)
    easel.shadow(ellipse(x + 0.02, y + h * 1.02, w * 0.75, 0.05), 0.7)
    _face(easel, x, y, w, h, turn, skin, hair)
    _hair_and_hat(easel, x, y, w, h, hair)


def _background(easel: Easel) -> None:
    rng = easel.rng
    if rng.random() < 0.4:
        level = easel.horizon = rng.uniform(0.5, 0.65)
        sky(easel)
        far, trees = (0.55, 0.25, 0.55), easel.foliage
        easel.ridge("hill", level, 0.15, far, 0.9, backdrop=True)
        easel.ridge("hill", level + 0.08, 0.1, trees, 0.8, backdrop=True)
        return
    hue, strength, _ = easel.accents[1]
    wall = easel.vary((hue, 0.6 * strength, rng.uniform(0.25, 0.8)))
    easel.add(
        "wall",
        box(-0.02, -0.02, 1.02, 1.02),
        wall,
        1.0,
        toned(wall, 0.6),
        backdrop=True,
        grain=0.1,
        angle=0.8,
    )
    if rng.random() < 0.5:
        cloth = easel.pick()
        traits: dict[str, Any] = {"angle": 1.5, "roundness": (0.95, 0)}
        for k in range(5):
            left = -0.02 + 0.06 * k
            curtain = [
                (left, -0.02),
                (left + 0.07, -0.02),
                (left + 0.05 - 0.02 * k, 1.02),
                (left - 0.03 * k, 1.02),
            ]
            tone = easel.vary(cloth)
            easel.add("curtain", curtain, tone, 0.95, backdrop=True, **traits)


def _body(easel: Easel, x: float, shoulder: float, coat: Colour) -> None:
    rng = easel.rng
    slope = rng.uniform(0.07, 0.12)
    robe = [
        (x - 0.06, shoulder - 0.05),
        (x + 0.06, shoulder - 0.05),
        (x + 0.2, shoulder + slope * 0.4),
        (x + 0.31, shoulder + slope),
        (x + 0.38, shoulder + 0.25),
        (x + 0.42, 1.02),
        (x - 0.42, 1.02),
        (x - 0.37, shoulder + 0.25),
        (x - 0.3, shoulder + slope),
        (x - 0.19, shoulder + slope * 0.4),
    ]
    easel.add(
        "robe",
        robe,
        coat,
        0.25,
        toned(coat, 0.6),
        roundness=(0.75, 0.3),
        angle=1.2,
        follow=0.5,
        grain=0.12,
    )
    for k in range(4):
        left, top = x + (-0.26 + 0.17 * k), shoulder + 0.09
        fold = [
            (left, top),
            (left + 0.02, top),
            (left + 0.06 * (k - 1.2), 1.02),
            (left + 0.06 * (k - 1.7), 1.02),
        ]
        tone = rng.choice([0.6, 0.75, 1.2])
        easel.add("fold", fold, toned(coat, tone), 0.24, angle=1.4)


def _neck(
    easel: Easel, x: float, y: float, w: float, h: float, skin: Colour
) -> None:
    """Adds the neck, and often a white collar round it."""
    shoulder = y + h + 0.11
    neck = [
        (x - w * 0.45, y + h * 0.6),
        (x + w * 0.45, y + h * 0.6),
        (x + w * 0.62, shoulder),
        (x, shoulder + 0.07),
        (x - w * 0.62, shoulder),
    ]
    shaded = toned(skin, 0.82)
    easel.add("neck", neck, shaded, 0.22, angle=1.5, roundness=(0.8, 0))
    linen = easel.vary((0.1, 0.08, 0.95))
    if easel.rng.random() < 0.6:
        for side in (-1, 1):
            collar = [
                (x + side * w * 0.6, shoulder - 0.03),
                (x + side * w * 0.75, shoulder + 0.05),
                (x + side * 0.02, shoulder + 0.13),
                (x, shoulder + 0.07),
            ]
            easel.add("collar", collar, linen, 0.2)


def _face(
    easel: Easel,
    x: float,
    y: float,
    w: float,
    h: float,
    turn: float,
    skin: Colour,
    hair: Colour,
) -> None:
    """Adds the face; its features shift sideways by `turn`."""
    forehead = ellipse(x, y - 0.02, w, h * 0.93, start=0.5, stop=1.0)
    easel.add(
        "face",
        np.concatenate([forehead, outline(_JAW, x, y, w, h)]),
        skin,
        0.15,
        roundness=(0.85, 0.45),
        angle=1.2,
        follow=0.6,
        grain=0.05,
    )

    def lit(colour: Colour, place: float, share: float = 1.0) -> Colour:
        # A flat feature takes the light of the cheek that it lies on.
        tilt = 0.85 * (place - x) / w
        tone = 1 + share * easel.contrast * (
            tilt * easel.light[0] + (np.sqrt(1 - tilt**2) - 1) * easel.light[2]
        )
        return (colour[0], colour[1], min(1, colour[2] * max(tone, 0.3)))

    middle = x + turn
    blush = (skin[0] - 0.015, min(1, skin[1] * 1.2), skin[2] * 0.93)
    traits: dict[str, Any] = {"follow": 1.0, "roundness": (0.2, 0.45)}
    for side in (-1, 1):
        place = middle + side * w * 0.46
        cheek = ellipse(place, y + h * 0.32, w * 0.18, h * 0.1)
        easel.add("cheek", cheek, lit(blush, place), 0.15, **traits)
    eyes = y + h * 0.02
    _eyes(easel, middle, eyes, w, h, turn, skin, hair, lit)
    _nose(easel, middle, eyes, y + h * 0.4, w, h, skin, lit)
    lips, mouth = easel.vary((0.99, 0.55, 0.7)), y + h * 0.64
    upper = outline(_UPPER_LIP, middle, mouth, w, h)
    easel.add("mouth", upper, lit(toned(lips, 0.75), middle), 0.13)
    lower = outline(_LOWER_LIP, middle, mouth, w, h)
    easel.add("mouth", lower, lit(lips, middle), 0.12)


def _eyes(
    easel: Easel,
    middle: float,
    y: float,
    w: float,
    h: float,
    turn: float,
    skin: Colour,
    hair: Colour,
    lit: _Light,
) -> None:
    hue = easel.rng.choice([0.06, 0.3, 0.57])
    iris, black = easel.vary((hue, 0.5, 0.3)), (0, 0, 0.05)
    for side in (-1, 1):
        x = middle + side * (w * 0.43)
        gaze = x + turn * 0.2
        socket = lit(toned(skin, 0.72, 1.1), x)
        white = lit((0.1, 0.06, 0.95), x, 0.6)
        for label, points, colour, depth in (
            ("eye", ellipse(x, y - 0.008, w * 0.27, h * 0.13), socket, 0.15),
            ("eye", ellipse(x, y, w * 0.2, h * 0.072), white, 0.13),
            ("iris", ellipse(gaze, y, w * 0.09, h * 0.075), iris, 0.12),
            ("pupil", ellipse(gaze, y, w * 0.045, h * 0.04), black, 0.12),
            ("brow", outline(_BROW, x, y, side * w, h), toned(hair, 0.6), 0.13),
        ):
            easel.add(label, points, colour, depth)


def _nose(
    easel: Easel,
    x: float,
    eyes: float,
    tip: float,
    w: float,
    h: float,
    skin: Colour,
    lit: _Light,
) -> None:
    shaded = [
        (x + w * 0.04, eyes - 0.01),
        (x + w * 0.2, tip),
        (x, tip + h * 0.06),
        (x + w * 0.02, tip - h * 0.1),
    ]
    bridge = [
        (x - w * 0.03, eyes),
        (x + w * 0.04, eyes),
        (x + w * 0.06, tip - 0.01),
        (x - w * 0.1, tip),
    ]
    dark, light = (
        lit(toned(skin, 0.74, 1.1), x),
        lit(toned(skin, 1.08, 0.85), x),
    )
    easel.add("nose", shaded, dark, 0.14, angle=1.4)
    easel.add("nose", bridge, light, 0.14, angle=1.4)


def _hair_and_hat(
    easel: Easel, x: float, y: float, w: float, h: float, hair: Colour
) -> None:
    rng = easel.rng
    parting = rng.uniform(-0.7, 0.7) * w
    cap = ellipse(x, y - 0.01, w * 1.12, h * 1.03, start=0.47, stop=1.03)
    fringe = [
        (x + w * 0.93, y - h * 0.1),
        (x + w * 0.7, y - h * 0.5),
        (x + parting, y - h * 0.68),
        (x - w * 0.7, y - h * 0.5),
        (x - w * 0.93, y - h * 0.1),
    ]
    easel.add(
        "hair",
        np.concatenate([cap, fringe]),
        hair,
        0.12,
        follow=0.9,
        roundness=(0.7, 0.7),
        grain=0.3,
    )
    if rng.random() < 0.35:
        felt, ribbon = easel.pick(), easel.pick()
        brim = ellipse(x, y - h * 0.62, w * 1.9, 0.05)
        easel.add("hat", brim, felt, 0.1)
        crown = outline(_HAT_CROWN, x, y, w, h)
        easel.add("hat", crown, felt, 0.1, roundness=(0.9, 0), angle=1.4)
        easel.add("hat", outline(_HAT_BAND, x, y, w, h), ribbon, 0.1)
