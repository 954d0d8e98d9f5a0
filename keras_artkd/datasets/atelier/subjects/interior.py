"""A room with a window, a picture, and somebody at a table."""

from typing import Any

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import Colour, toned
from keras_artkd.datasets.atelier.shapes import box, ellipse, outline

# Offsets from the sitter, the table and the vase.
_ARM = (
    (-0.03, -0.14),
    (0.02, -0.1),
    (-0.08, 0.005),
    (-0.2, -0.01),
    (-0.19, -0.035),
    (-0.09, -0.03),
)
_TABLE_TOP = (
    (-0.2, 0.02),
    (-0.14, -0.03),
    (0.22, -0.03),
    (0.26, 0.02),
    (0.24, 0.11),
    (-0.18, 0.13),
)
_VASE = (
    (-0.02, -0.13),
    (0.02, -0.13),
    (0.045, -0.06),
    (0.025, 0),
    (-0.025, 0),
    (-0.045, -0.06),
)


def compose(easel: Easel) -> None:
    """Composes an interior on the easel."""
    rng = easel.rng
    hue, strength, _ = easel.accents[0]
    wall = easel.vary((hue, 0.5 * strength, rng.uniform(0.45, 0.85)))
    left, floor = rng.uniform(0.2, 0.3), rng.uniform(0.66, 0.72)
    easel.horizon = floor
    wood = _room(easel, wall, left, floor)
    _window(easel, left, floor, wood)
    _picture(easel)
    x, y = rng.uniform(0.52, 0.6), floor - 0.03
    easel.focus = (x + 0.05, y - 0.1)
    _sitter(easel, x + 0.3, y)
    _table(easel, x, y)


def _room(easel: Easel, wall: Colour, left: float, floor: float) -> Colour:
    """Adds two walls and a floor of planks; returns the wood's colour."""
    rng = easel.rng
    back, paint = box(-0.02, -0.02, 1.02, 1.02), toned(wall, 0.8)
    easel.add("wall", back, wall, 1.0, paint, backdrop=True, angle=1.2)
    side = [(-0.02, -0.02), (left, -0.02), (left, floor), (-0.02, 0.93)]
    paint = toned(wall, 0.72)
    easel.add("wall", side, paint, 0.8, angle=1.4, backdrop=True)
    wood = easel.vary((0.07, 0.5, 0.5))
    vx = rng.uniform(0.4, 0.6)
    ground = [
        (-0.02, 1.02),
        (-0.02, 0.93),
        (left, floor),
        (1.02, floor),
        (1.02, 1.02),
    ]
    easel.add("floor", ground, wood, 0.5, grain=0.15)
    for k in range(9):
        a, b = left + k * 0.1, left + (k + 0.5) * 0.1
        low_a, low_b = vx + (a - vx) * 2.3, vx + (b - vx) * 2.3
        plank = [(a, floor), (b, floor), (low_b, 1.02), (low_a, 1.02)]
        tone = toned(wood, rng.uniform(0.75, 0.9))
        easel.add("plank", plank, tone, 0.5, angle=1.57 - (a - vx) * 0.6)
    return wood


def _window(easel: Easel, left: float, floor: float, wood: Colour) -> None:
    """Adds a window, its curtains, and its light on the floor."""
    rng = easel.rng
    x, y = left + rng.uniform(0.06, 0.14), rng.uniform(0.1, 0.16)
    w, h = rng.uniform(0.22, 0.28), rng.uniform(0.3, 0.36)
    frame = easel.vary((0.1, 0.15, 0.85))
    border = box(x - 0.02, y - 0.02, x + w + 0.02, y + h + 0.02)
    easel.add("frame", border, frame, 0.8)
    view = box(x, y, x + w, y + h)
    easel.add("view", view, easel.sky_top, 0.9, easel.sky_low)
    bush = (x + w * 0.7, y + h * 0.85, w * 0.28, h * 0.22)
    easel.blob("view", *bush, easel.foliage, 0.9)
    lawn = box(x, y + h * 0.85, x + w, y + h)
    easel.add("view", lawn, easel.ground, 0.9)
    post = box(x + w * 0.47, y, x + w * 0.53, y + h)
    easel.add("frame", post, frame, 0.8)
    bar = box(x, y + h * 0.45, x + w, y + h * 0.5)
    easel.add("frame", bar, frame, 0.8)
    cloth = easel.pick()
    traits: dict[str, Any] = {"angle": 1.5, "roundness": (0.9, 0)}
    for side, edge in ((-1, x - 0.02), (1, x + w + 0.02)):
        for k in range(2):
            hem = edge + side * 0.035 * k
            curtain = [
                (hem, y - 0.05),
                (hem + side * 0.045, y - 0.05),
                (hem + side * 0.06, y + h + 0.12),
                (hem + side * 0.01, y + h + 0.12),
            ]
            easel.add("curtain", curtain, easel.vary(cloth), 0.75, **traits)
    light = [
        (x + 0.02, floor + 0.08),
        (x + w, floor + 0.06),
        (x + w + 0.2, 0.95),
        (x + 0.12, 1.0),
    ]
    easel.add("light", light, (0.12, 0.35, min(1, wood[2] * 1.7)), 0.5)


def _picture(easel: Easel) -> None:
    rng = easel.rng
    x, y = rng.uniform(0.72, 0.8), rng.uniform(0.12, 0.2)
    frame = box(x - 0.02, y - 0.02, x + 0.18, y + 0.17)
    easel.add("frame", frame, (0.11, 0.6, 0.7), 0.8)
    canvas = box(x, y, x + 0.16, y + 0.15)
    easel.add("picture", canvas, easel.pick(), 0.8, easel.pick())
    blot = ellipse(x + 0.08, y + 0.09, 0.05, 0.035)
    easel.add("picture", blot, easel.pick(), 0.8)


def _sitter(easel: Easel, x: float, y: float) -> None:
    """Adds somebody on a chair, an arm on the table at height `y`."""
    coat, skin = easel.pick(), easel.vary((0.07, 0.4, 0.85))
    easel.shadow(ellipse(x + 0.03, 0.93, 0.2, 0.04))
    chair = box(x + 0.06, y - 0.2, x + 0.1, 0.93)
    easel.add("chair", chair, (0.06, 0.5, 0.3), 0.35, angle=1.57)
    figure = [
        (x - 0.05, y - 0.17),
        (x + 0.05, y - 0.17),
        (x + 0.1, y - 0.02),
        (x + 0.09, y + 0.1),
        (x + 0.06, 0.94),
        (x - 0.16, 0.94),
        (x - 0.13, y + 0.06),
        (x - 0.07, y),
    ]
    traits: dict[str, Any] = {"angle": 1.3, "roundness": (0.85, 0.2)}
    easel.add("figure", figure, coat, 0.3, toned(coat, 0.6), **traits)
    head = ellipse(x - 0.02, y - 0.24, 0.05, 0.065)
    easel.add("face", head, skin, 0.3, roundness=(0.8, 0.5), follow=0.8)
    hair = ellipse(x + 0.005, y - 0.265, 0.055, 0.06, -0.5)
    brown = easel.vary((0.07, 0.5, 0.3))
    easel.add("hair", hair, brown, 0.29, follow=0.9)
    face = ellipse(x - 0.04, y - 0.235, 0.03, 0.045)
    easel.add("face", face, skin, 0.28)
    arm = outline(_ARM, x, y)
    easel.add("arm", arm, toned(coat, 1.1), 0.27, roundness=(0, 0.8))


def _table(easel: Easel, x: float, y: float) -> None:
    """Adds a table with a cloth, and flowers in a vase."""
    rng = easel.rng
    cloth = easel.pick()
    easel.shadow(box(x - 0.16, 0.9, x + 0.3, 0.96))
    for left in (x - 0.16, x + 0.18):
        leg = box(left, y, left + 0.035, 0.95)
        easel.add("table", leg, (0.06, 0.5, 0.32), 0.3, angle=1.57)
    top = outline(_TABLE_TOP, x, y)
    easel.add("table", top, cloth, 0.3, toned(cloth, 0.6))
    pot, vx = easel.pick(), x - 0.04
    for _ in range(7):
        fx, fy = vx + rng.normal(0, 0.045), y - 0.17 + rng.normal(0, 0.035)
        easel.blob("flower", fx, fy, 0.03, 0.03, easel.pick(), 0.3, 0.2)
    vase = outline(_VASE, vx, y)
    easel.add("vase", vase, pot, 0.25, roundness=(0.95, 0.1))
