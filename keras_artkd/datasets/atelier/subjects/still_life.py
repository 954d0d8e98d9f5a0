"""Fruit, a bottle and flowers on a table with a cloth."""

from typing import Any

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import toned
from keras_artkd.datasets.atelier.shapes import box, ellipse, outline

# About the middle of the foot, in units of radius and height.
_BOTTLE = (
    (-1, 0),
    (-1, -0.55),
    (-0.8, -0.66),
    (-0.35, -0.74),
    (-0.33, -1),
    (0.33, -1),
    (0.35, -0.74),
    (0.8, -0.66),
    (1, -0.55),
    (1, 0),
)
_VASE = (
    (-0.5, -0.25),
    (0.5, -0.25),
    (0.45, -0.2),
    (1, -0.12),
    (0.9, -0.04),
    (0.5, 0.02),
    (-0.5, 0.02),
    (-0.9, -0.04),
    (-1, -0.12),
    (-0.45, -0.2),
)
_BOWL = ((-0.8, 0.45), (-0.35, 0.8), (0.35, 0.8), (0.8, 0.45))
_STALK = ((-0.005, -0.85), (0.008, -0.85), (0.02, -1.25), (0.012, -1.25))
_BOTTLE_SHADOW = ((0, 0), (0.4, -0.03), (0.42, 0.03), (0.06, 0.05))
_KNIFE = ((0, 0.86), (0.2, 0.82), (0.205, 0.83), (0.005, 0.875))


def compose(easel: Easel) -> None:
    """Composes a still life on the easel."""
    rng = easel.rng
    _wall_and_table(easel)
    easel.focus = (0.5, 0.62)
    x, base = rng.uniform(0.2, 0.32), rng.uniform(0.66, 0.7)
    _bottle(easel, x, base)
    if rng.random() < 0.6:
        _flowers(easel, rng.uniform(0.72, 0.82), base)
    _bowl(easel, rng.uniform(0.48, 0.56), rng.uniform(0.68, 0.72))
    for _ in range(rng.integers(1, 4)):
        x, y = rng.uniform(0.15, 0.9), rng.uniform(0.8, 0.84)
        easel.shadow(ellipse(x + 0.05, y + 0.045, 0.09, 0.02))
        _fruit(easel, x, y, rng.uniform(0.05, 0.065))
    if rng.random() < 0.5:
        knife = outline(_KNIFE, rng.uniform(0.6, 0.75), 0)
        easel.add("knife", knife, (0.6, 0.08, 0.8), 0.2)


def _wall_and_table(easel: Easel) -> None:
    rng = easel.rng
    hue, strength, _ = easel.accents[2]
    wall = easel.vary((hue, 0.55 * strength, rng.uniform(0.3, 0.85)))
    easel.add(
        "wall",
        box(-0.02, -0.02, 1.02, 0.7),
        wall,
        1.0,
        toned(wall, 0.75),
        backdrop=True,
        angle=1.0,
        grain=0.1,
    )
    edge = easel.horizon = rng.uniform(0.5, 0.58)
    wood, top = easel.vary((0.07, 0.5, 0.5)), box(-0.02, edge, 1.02, 1.02)
    easel.add("table", top, wood, 0.6, toned(wood, 0.6), grain=0.15)
    white = rng.random() < 0.6
    linen = easel.vary((0.6, 0.05, 0.95)) if white else easel.pick()
    drop = rng.uniform(0.8, 0.86)
    left = rng.uniform(-0.02, 0.15)
    cloth = [
        (left + 0.1, edge + 0.03),
        (1.02, edge + 0.02),
        (1.02, drop),
        (left, drop + 0.03),
    ]
    easel.add("cloth", cloth, linen, 0.5, grain=0.08)
    traits: dict[str, Any] = {"angle": 1.5, "roundness": (0.9, 0)}
    for k in range(8):
        x, step = left + k * (1.05 - left) / 8, (1.05 - left) / 8
        tone = 0.62 + 0.3 * (k % 2) + rng.uniform(-0.05, 0.05)
        fold = [
            (x, drop + 0.03),
            (x + step, drop),
            (x + step * 0.9, 0.98 + 0.03 * rng.random()),
            (x + step * 0.2, 0.98),
        ]
        easel.add("fold", fold, toned(linen, tone), 0.4, **traits)


def _bottle(easel: Easel, x: float, base: float) -> None:
    """Adds a bottle with a shadow away from the light."""
    rng = easel.rng
    easel.shadow(outline(_BOTTLE_SHADOW, x, base))
    glass = easel.vary((rng.choice([0.3, 0.08, 0.6]), 0.6, 0.35))
    r, tall = rng.uniform(0.055, 0.075), rng.uniform(0.4, 0.5)
    bottle = [
        *outline(_BOTTLE, x, base, r, tall),
        (x + r * 0.6, base + 0.02),
        (x - r * 0.6, base + 0.02),
    ]
    easel.add("bottle", bottle, glass, 0.4, angle=1.57, roundness=(0.95, 0))
    glint = outline(box(-0.6, -0.55, -0.35, -0.12), x, base, r, tall)
    easel.add("highlight", glint, (0.5, 0.1, 0.95), 0.39)
    label = box(x - r, base - 0.17, x + r, base - 0.07)
    paper = easel.vary((0.11, 0.25, 0.9))
    easel.add("label", label, paper, 0.39, roundness=(0.9, 0))


def _flowers(easel: Easel, x: float, base: float) -> None:
    """Adds flowers in a vase."""
    rng, r = easel.rng, 0.09
    pot = easel.pick()
    easel.shadow(ellipse(x + 0.12, base, 0.16, 0.03))
    for _ in range(12):
        fx = x + rng.normal(0, 0.085)
        fy = base - 0.33 + rng.normal(0, 0.075)
        if rng.random() < 0.45:
            leaf = ellipse(fx, fy, 0.06, 0.02, rng.uniform(-1.5, 1.5))
            green = easel.vary((0.32, 0.5, 0.4))
            easel.add("leaf", leaf, green, 0.45, grain=0.15)
        bloom, size = easel.pick(), rng.uniform(0.035, 0.055)
        easel.blob("flower", fx, fy, size, size, bloom, 0.44, 0.2)
        heart = ellipse(fx, fy, size * 0.3, size * 0.3)
        easel.add("flower", heart, (0.12, 0.7, 0.9), 0.43)
    vase = outline(_VASE, x, base, r, 1)
    easel.add("vase", vase, pot, 0.4, roundness=(0.95, 0.2), angle=0.1)
    glint = ellipse(x - r * 0.45, base - 0.13, 0.012, 0.03)
    easel.add("highlight", glint, (0, 0, 1), 0.39)


def _bowl(easel: Easel, x: float, y: float) -> None:
    """Adds a bowl of fruit: its back, the fruit, its front."""
    rng = easel.rng
    r = rng.uniform(0.17, 0.2)
    china = easel.vary((rng.choice([0.6, 0.1, 0.5]), 0.3, 0.75))
    easel.shadow(ellipse(x + 0.1, y + 0.12, r * 1.1, 0.04))
    easel.add("bowl", ellipse(x, y, r, r * 0.3), toned(china, 0.5), 0.35)
    for k in range(5):
        rise = 0.04 * (2 - abs(k - 2))
        size = rng.uniform(0.055, 0.068)
        _fruit(easel, x + (k - 2) * r * 0.38, y - 0.02 - rise, size)
    rim = ellipse(x, y, r, r * 0.3, start=0, stop=0.5)
    front = [*rim, *outline(_BOWL, x, y, r)]
    easel.add("bowl", front, china, 0.25, roundness=(0.9, 0.3), angle=0.1)


def _fruit(easel: Easel, x: float, y: float, r: float) -> None:
    hue = easel.rng.choice([0.0, 0.03, 0.08, 0.13, 0.25])
    skin = easel.vary((hue, 0.75, 0.85))
    tall = r * easel.rng.uniform(0.9, 1.05)
    traits: dict[str, Any] = {"roundness": (0.95, 0.95), "follow": 1.0}
    easel.blob("fruit", x, y, r, tall, skin, 0.3, 0.03, **traits)
    glint = ellipse(x - r * 0.35, y - r * 0.38, r * 0.2, r * 0.14, 0.7)
    easel.add("highlight", glint, (hue, 0.1, 1.0), 0.29)
    stalk = outline(_STALK, x, y, 1, r)
    easel.add("stalk", stalk, (0.08, 0.5, 0.25), 0.29)
