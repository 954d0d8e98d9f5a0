"""A path between trunks, leaves above, glowing light behind."""

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.palette import toned
from keras_artkd.datasets.atelier.shapes import box, outline
from keras_artkd.datasets.atelier.subjects.motifs import person

# Offsets from the foot of the trunk, and from where the branch leaves it.
_TRUNK_SHADOW = ((0, 0), (0.03, 0), (0.3, 0.1), (0.22, 0.11))
_BRANCH = ((0, 0), (0.16, -0.11), (0.16, -0.1), (0, 0.03))


def compose(easel: Easel) -> None:
    """Composes a forest on the easel."""
    rng = easel.rng
    easel.horizon = rng.uniform(0.5, 0.6)
    _distance(easel)
    floor = easel.vary(toned(easel.ground, 0.75, 0.8))
    level = easel.horizon + 0.05
    easel.ridge("ground", level, 0.05, floor, 0.6, 0.5, grain=0.25)
    dust = easel.vary((0.1, 0.25, 0.85))
    x, bend = easel.focus[0], rng.uniform(-0.12, 0.12)
    path = [
        (x - 0.01, level),
        (x + 0.02, level),
        (x + bend + 0.1, 0.75),
        (x + 0.22, 1.02),
        (x - 0.25, 1.02),
        (x + bend - 0.08, 0.75),
    ]
    easel.add("path", path, dust, 0.5, angle=1.3, grain=0.15)
    birch = rng.random() < 0.4
    for layer in range(4):
        _layer(easel, layer, birch)
    if rng.random() < 0.6:
        person(easel, x + bend * 0.5, 0.76, rng.uniform(0.12, 0.18), 0.4)


def _distance(easel: Easel) -> None:
    """Adds the light behind the forest, and the leaves before it."""
    rng = easel.rng
    glow = (0.14, 0.35, 0.95) if easel.hour != "night" else (0.6, 0.4, 0.45)
    easel.add(
        "sky",
        box(-0.02, -0.02, 1.02, 1.02),
        toned(easel.foliage, 0.9, 0.6),
        1.0,
        easel.vary(glow),
        backdrop=True,
        angle=1.57,
        grain=0.1,
    )
    easel.focus = (rng.uniform(0.4, 0.6), easel.horizon)
    for _ in range(16):
        h, s, v = easel.vary(easel.foliage, 1.5)
        x, y = rng.uniform(0, 1), rng.uniform(0, easel.horizon - 0.05)
        light = 1.3 - 0.9 * abs(x - easel.focus[0])
        easel.blob(
            "leaves",
            x,
            y,
            0.13,
            0.09,
            (h, s * 0.8, min(1, v * light)),
            depth=0.9,
            lumps=0.2,
            grain=0.25,
            roundness=(0.4, 0.5),
        )


def _layer(easel: Easel, layer: int, birch: bool) -> None:
    """Adds trunks and bushes of one distance, 0 the farthest to 3."""
    rng = easel.rng
    depth = 0.8 - 0.2 * layer
    base = easel.horizon + 0.06 + 0.1 * layer
    for x in rng.uniform(-0.02, 1.02, 9 - 2 * layer):
        # The path stays open.
        if abs(x - easel.focus[0]) >= 0.05 + 0.06 * layer:
            _trunk(easel, x, base, layer, depth, birch)
    for _ in range(5):
        leaves = toned(easel.vary(easel.foliage), 0.9 - 0.12 * layer)
        x, size = rng.uniform(0, 1), (0.05 + 0.02 * layer, 0.03 + 0.01 * layer)
        easel.blob(
            "bush", x, base + 0.02, *size, leaves, depth, 0.2, grain=0.25
        )
    if layer in (1, 3):
        for _ in range(7):
            leaves = toned(easel.vary(easel.foliage), 1 - 0.15 * layer)
            x, y = rng.uniform(0, 1), rng.uniform(-0.05, 0.12)
            easel.blob(
                "leaves", x, y, 0.14, 0.09, leaves, depth, 0.25, grain=0.3
            )


def _trunk(
    easel: Easel, x: float, base: float, layer: int, depth: float, birch: bool
) -> None:
    rng = easel.rng
    bark = easel.vary((0.1, 0.06, 0.9) if birch else (0.06, 0.4, 0.5))
    bark = toned(bark, 0.95 - 0.14 * layer)
    wide = (0.012 + 0.012 * layer) * rng.uniform(0.7, 1.3)
    top, foot = x + rng.normal(0, 0.025), base + rng.normal(0, 0.015)
    easel.shadow(outline(_TRUNK_SHADOW, x, foot), 0.65)
    trunk = [
        (x - wide * 1.5, foot),
        (x - wide, foot - 0.07),
        (top - wide * 0.7, -0.02),
        (top + wide * 0.7, -0.02),
        (x + wide, foot - 0.07),
        (x + wide * 1.6, foot),
    ]
    grain = 0.35 if birch else 0.2
    easel.add(
        "trunk",
        trunk,
        bark,
        depth,
        angle=1.57,
        roundness=(0.95, 0),
        grain=grain,
    )
    if layer > 1:
        y, way = rng.uniform(0.15, 0.35), rng.choice([-1, 1])
        branch = outline(_BRANCH, x, y, way, 1)
        easel.add("branch", branch, bark, depth, angle=-0.6 * way)
