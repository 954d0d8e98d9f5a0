"""Hills, fields, a road or a river, a house and trees."""

from keras_artkd.datasets.atelier.easel import Easel
from keras_artkd.datasets.atelier.shapes import outline
from keras_artkd.datasets.atelier.subjects.motifs import house, sky, tree

_FIELD = ((0, 0), (0.35, -0.01), (0.6, 0.07), (-0.2, 0.08))


def compose(easel: Easel) -> None:
    """Composes a landscape on the easel."""
    rng, horizon = easel.rng, easel.horizon
    sky(easel)
    _hills_and_fields(easel)
    easel.focus = (rng.uniform(0.55, 0.7), horizon + 0.02)
    x = easel.focus[0]
    _river_or_road(easel, x)
    if rng.random() < 0.75:
        house(easel, x + 0.02, horizon + 0.12, rng.uniform(0.16, 0.26), 0.5)
    kind = str(rng.choice(["round", "fir", "poplar"]))
    for tx in rng.uniform(0.02, 0.98, 5):
        base = horizon + rng.uniform(0.05, 0.1)
        tree(easel, tx, base, rng.uniform(0.1, 0.2), 0.6, kind)
    h, s, v = easel.ground
    near = (h, min(1, s * 1.2), v * 0.75)
    easel.ridge("meadow", 0.93, 0.1, near, 0.2, 0.4, grain=0.25)
    left = rng.uniform(0.08, 0.24)
    tree(easel, left, 0.93, rng.uniform(0.55, 0.8), 0.15, kind)
    for _ in range(rng.integers(0, 4)):
        x, leaves = rng.uniform(0, 1), easel.vary(easel.foliage)
        easel.blob("bush", x, 0.97, 0.08, 0.06, leaves, 0.1, grain=0.25)


def _hills_and_fields(easel: Easel) -> None:
    rng, horizon = easel.rng, easel.horizon
    for k, depth in enumerate((0.95, 0.85, 0.75)):
        hue = easel.sky_low[0] * 0.3 + 0.62 * 0.7
        far = (hue, 0.3 - 0.05 * k, 0.62 - 0.08 * k)
        if k == 2:
            h, s, v = easel.foliage
            far = (h, s * 0.7, v * 0.9)
        easel.ridge(
            "hill",
            horizon + 0.03 * k,
            0.22 - 0.07 * k,
            easel.vary(far),
            depth,
            rough=0.6,
            angle=rng.uniform(-0.4, 0.4),
            grain=0.12,
        )
    ground = easel.ground
    easel.ridge("field", horizon + 0.07, 0.03, ground, 0.6, 0.4, grain=0.15)
    for _ in range(4):
        left = rng.uniform(-0.2, 0.9)
        field = outline(_FIELD, left, horizon + rng.uniform(0.08, 0.25))
        h, s, v = easel.vary(ground, 2)
        crop = (h + rng.normal(0, 0.04), s, v)
        easel.add("field", field, crop, 0.5, grain=0.2)


def _river_or_road(easel: Easel, x: float) -> None:
    rng, far = easel.rng, easel.horizon + 0.08
    if rng.random() < 0.5:
        bend = x + rng.uniform(-0.2, 0.2)
        river = [
            (x - 0.02, far),
            (x + 0.02, far),
            (bend + 0.12, 0.72),
            (0.62, 1.02),
            (0.1, 1.02),
            (bend - 0.12, 0.74),
        ]
        water = (easel.sky_low[0], 0.4, 0.7)
        easel.add("river", river, water, 0.4, mirror=0.6)
    else:
        dust = easel.vary((0.1, 0.25, 0.82))
        bend = x + rng.uniform(-0.15, 0.05)
        road = [
            (x - 0.01, far),
            (x + 0.01, far),
            (bend + 0.05, 0.72),
            (0.55, 1.02),
            (0.2, 1.02),
            (bend - 0.07, 0.74),
        ]
        easel.add("road", road, dust, 0.4, angle=1.2)
