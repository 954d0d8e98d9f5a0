"""What there is to paint: a scene without a style, and its rasters.

A `Scene` is a list of labelled shapes in the unit square (x right, y down)
with a light and a horizon, drawn from one integer. `Scene.raster` turns it
once into the maps that every style paints from, so that two paintings of one
scene can differ in nothing but technique.
"""

import dataclasses
import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SUBJECTS = (
    "landscape",
    "portrait",
    "seascape",
    "still_life",
    "city",
    "forest",
    "harbour",
    "interior",
)

# Each hour: sky above, sky at the horizon (HSV), tint of everything (RGB),
# contrast of the modelling.
_HOURS = {
    "dawn": ((0.60, 0.35, 0.80), (0.07, 0.40, 0.97), (1.03, 0.95, 0.95), 0.7),
    "noon": ((0.58, 0.55, 0.85), (0.55, 0.18, 0.97), (1.03, 1.02, 0.98), 0.9),
    "gold": ((0.57, 0.40, 0.78), (0.12, 0.50, 0.98), (1.08, 0.99, 0.82), 1.0),
    "dusk": ((0.68, 0.50, 0.45), (0.04, 0.65, 0.90), (0.88, 0.76, 0.84), 0.9),
    "night": ((0.63, 0.65, 0.18), (0.60, 0.50, 0.42), (0.48, 0.56, 0.76), 0.8),
    "grey": ((0.58, 0.10, 0.66), (0.15, 0.06, 0.84), (0.90, 0.92, 0.94), 0.5),
}
# Each season: foliage, ground (HSV).
_SEASONS = {
    "spring": ((0.25, 0.55, 0.66), (0.22, 0.50, 0.72)),
    "summer": ((0.31, 0.60, 0.45), (0.17, 0.55, 0.70)),
    "autumn": ((0.08, 0.75, 0.72), (0.11, 0.55, 0.62)),
    "winter": ((0.55, 0.15, 0.62), (0.58, 0.06, 0.93)),
}


def hsv_to_rgb(hsv):
    """Converts `(..., 3)` HSV in [0, 1], hue wrapping, to float32 RGB."""
    hue, saturation, value = np.moveaxis(np.asarray(hsv, "float32"), -1, 0)
    turn = hue[..., None] * 6 + np.array([5, 3, 1], "float32")
    turn = turn % 6
    ramp = np.clip(np.minimum(turn, 4 - turn), 0, 1)
    rgb = value[..., None] * (1 - np.clip(saturation, 0, 1)[..., None] * ramp)
    return np.clip(rgb, 0, 1)


def soften(field, radius):
    """Blurs a float `(h, w)` or `(h, w, c)` array by shrinking it and back."""
    if field.ndim == 3:
        planes = [soften(field[..., c], radius) for c in range(field.shape[2])]
        return np.stack(planes, axis=-1)
    height, width = field.shape
    small = (max(2, round(width / radius)), max(2, round(height / radius)))
    image = Image.fromarray(np.ascontiguousarray(field, "float32"))
    image = image.resize(small, Image.Resampling.BILINEAR)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def value_noise(rng, size, cells, octaves=1):
    """Smooth noise of about unit range: `(size, size)` float32."""
    total = np.zeros((size, size), "float32")
    for octave in range(octaves):
        n = min(size, max(2, int(cells * 2**octave)) + 1)
        grid = rng.uniform(-1, 1, (n, n)).astype("float32")
        image = Image.fromarray(grid).resize(
            (size, size), Image.Resampling.BICUBIC
        )
        total += np.asarray(image) * 0.5**octave
    return total


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """One filled outline of the scene.

    Attributes:
        label: what it is: "sky", "tree", "face", ...
        points: `(n, 2)` corners in the unit square, x then y.
        colour: HSV at the top of the shape.
        fade: HSV at its bottom.
        depth: 0 (near) to 1 (far).
        roundness: how far it curves away sideways and up and down.
        angle: direction of its texture, radians, 0 is horizontal.
        follow: 0 keeps `angle`, 1 runs round the shape's centre.
        grain: strength of its own small variation of tone.
        mirror: how much of what is above it, it reflects (water).
        shadow: above 0, the shape only darkens what lies below it.
        backdrop: True for what an icon painter would cover with gold.
    """

    label: str
    points: np.ndarray
    colour: tuple
    fade: tuple
    depth: float = 0.5
    roundness: tuple = (0.0, 0.0)
    angle: float = 0.0
    follow: float = 0.0
    grain: float = 0.06
    mirror: float = 0.0
    shadow: float = 0.0
    backdrop: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Raster:
    """The maps of one scene at one size, all `(size, size, ...)`.

    Attributes:
        colour: flat local colours, RGB in [0, 1].
        lit: the same under the scene's light, with shadows and haze.
        shade: light on each pixel, 1 where a flat wall would be.
        region: number of the visible shape, an index into `shapes`.
        depth: 0 near to 1 far.
        angle: texture direction in radians, smooth.
        edge: contrast across outlines, 0 where there is none.
        backdrop: 1 where the background is.
        shapes: the scene's shapes by region number.
        focus: x, y of the main subject.
        light: x, y, z of the direction to the light.
    """

    colour: np.ndarray
    lit: np.ndarray
    shade: np.ndarray
    region: np.ndarray
    depth: np.ndarray
    angle: np.ndarray
    edge: np.ndarray
    backdrop: np.ndarray
    shapes: tuple
    focus: tuple
    light: tuple


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
    """A subject, its shapes and its light; see `from_seed`."""

    seed: int
    subject: str
    hour: str
    season: str
    horizon: float
    focus: tuple
    light: tuple
    tint: tuple
    contrast: float
    haze: tuple
    shapes: tuple

    @classmethod
    def from_seed(cls, seed):
        """Composes the scene of this number, always the same one.

        Subjects alternate with the number, so any run of scenes has all of
        them in equal parts.

        Args:
            seed: int >= 0.
        """
        if not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(
                "`seed` of a scene must be an integer >= 0. "
                f"Received: seed={seed!r}."
            )
        seed = int(seed)
        rng = np.random.Generator(np.random.PCG64([seed, 1874]))
        subject = SUBJECTS[seed % len(SUBJECTS)]
        easel = _Easel(rng)
        _COMPOSERS[subject](easel)
        shapes, focus, light = easel.shapes, easel.focus, easel.light
        if rng.random() < 0.5:
            shapes = [_mirrored(shape) for shape in shapes]
            focus = (1 - focus[0], focus[1])
            light = (-light[0], *light[1:])
        return cls(
            seed=seed,
            subject=subject,
            hour=easel.hour,
            season=easel.season,
            horizon=easel.horizon,
            focus=focus,
            light=light,
            tint=easel.tint,
            contrast=easel.contrast,
            haze=easel.sky_low,
            shapes=tuple(shapes),
        )

    def raster(self, size):
        """Rasterises the scene on `size` by `size` pixels: a `Raster`."""
        region, shadow = _draw(self.shapes, size)
        rng = np.random.Generator(np.random.PCG64([self.seed, 1889]))
        table = _Table(self.shapes)
        y, x = np.mgrid[0:size, 0:size].astype("float32")
        x, y = (x + 0.5) / size, (y + 0.5) / size
        u = (x - table.centre_x[region]) / table.radius_x[region]
        v = (y - table.centre_y[region]) / table.radius_y[region]

        colour = table.colour[region]
        fade = np.clip((v + 1) / 2, 0, 1)[..., None]
        colour = colour + (table.fade[region] - colour) * fade
        mottle = value_noise(rng, size, 14, 3) * table.grain[region]
        colour = np.clip(colour * (1 + mottle[..., None]), 0, 1)

        nx = np.clip(u, -1, 1) * table.round_x[region]
        ny = np.clip(v, -1, 1) * table.round_y[region]
        nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0.05, 1))
        lx, ly, lz = self.light
        shade = 1 + self.contrast * (nx * lx + ny * ly + (nz - 1) * lz)
        shade = np.clip(shade, 0.3, 1.5) * (1 - 0.55 * shadow)

        depth = table.depth[region]
        lit = colour * np.array(self.tint, "float32") * shade[..., None]
        haze = hsv_to_rgb(self.haze)
        far = 0.45 * np.clip(depth - 0.35, 0, 1) ** 1.5
        far = (far * (table.backdrop[region] < 1))[..., None]
        lit = lit + (haze - lit) * far
        mirror = table.mirror[region]
        if mirror.any():
            lit, colour = self._reflect(rng, lit, mirror, lit, colour)

        angle = _angles(rng, table, region, u, v, size)
        return Raster(
            colour=colour.astype("float32"),
            lit=np.clip(lit, 0, 1).astype("float32"),
            shade=shade.astype("float32"),
            region=region,
            depth=depth,
            angle=angle,
            edge=_edges(region, lit, depth),
            backdrop=table.backdrop[region],
            shapes=self.shapes,
            focus=self.focus,
            light=self.light,
        )

    def _reflect(self, rng, above, mirror, *images):
        """Mirrors `above` about the horizon into the water of `images`."""
        size = len(mirror)
        rows = np.arange(size)
        level = self.horizon * size
        source = 2 * level - rows[:, None]
        ripple = value_noise(rng, size, 10, 2)[:, ::4]
        ripple = np.repeat(ripple, 4, axis=1)[:, :size]
        source = source + ripple * 0.05 * (rows[:, None] - level)
        source = np.clip(source, 0, size - 1).astype(int)
        image = above[source, np.arange(size)]
        weight = (mirror * (rows[:, None] > level))[..., None]
        return [i + (image * 0.9 - i) * weight for i in images]


@functools.lru_cache(maxsize=16)
def raster_of(scene_seed, size):
    """The raster of scene `scene_seed`, shared by all of its paintings."""
    return Scene.from_seed(scene_seed).raster(size)


# --- rasterising -----------------------------------------------------------


class _Table:
    """The shapes' numbers as arrays, to be indexed by the region map."""

    def __init__(self, shapes):
        lows = np.array([s.points.min(axis=0) for s in shapes], "float32")
        highs = np.array([s.points.max(axis=0) for s in shapes], "float32")
        centres = (lows + highs) / 2
        radii = np.maximum((highs - lows) / 2, 1e-3)
        self.centre_x, self.centre_y = centres.T
        self.radius_x, self.radius_y = radii.T
        self.colour = hsv_to_rgb([s.colour for s in shapes])
        self.fade = hsv_to_rgb([s.fade for s in shapes])
        self.round_x, self.round_y = np.array(
            [s.roundness for s in shapes], "float32"
        ).T

        def column(name):
            return np.array([getattr(s, name) for s in shapes], "float32")

        self.depth, self.angle = column("depth"), column("angle")
        self.follow, self.grain = column("follow"), column("grain")
        self.mirror, self.backdrop = column("mirror"), column("backdrop")


def _draw(shapes, size):
    """Paints the shapes back to front: region numbers and shadow map."""
    region = Image.new("I", (size, size), 0)
    shadow = Image.new("L", (size, size), 0)
    pen, shadow_pen = ImageDraw.Draw(region), ImageDraw.Draw(shadow)
    for number, shape in enumerate(shapes):
        points = (shape.points * size - 0.5).ravel().tolist()
        if shape.shadow:
            shadow_pen.polygon(points, fill=int(255 * shape.shadow))
        else:
            pen.polygon(points, fill=number)
            shadow_pen.polygon(points, fill=0)
    shadow = shadow.filter(ImageFilter.GaussianBlur(size / 90))
    shadow = np.asarray(shadow, "float32") / 255
    return np.asarray(region).astype("int32"), shadow


def _angles(rng, table, region, u, v, size):
    """The texture direction of every pixel, as a smooth field."""
    angle = table.angle[region] + 0.35 * value_noise(rng, size, 5)
    tangent = np.arctan2(v * table.radius_y[region], u * table.radius_x[region])
    tangent += np.pi / 2
    follow = table.follow[region]
    # Directions, unlike arrows, repeat every half turn: mix doubled angles.
    sine = (1 - follow) * np.sin(2 * angle) + follow * np.sin(2 * tangent)
    cosine = (1 - follow) * np.cos(2 * angle) + follow * np.cos(2 * tangent)
    return np.arctan2(soften(sine, 4), soften(cosine, 4)) / 2


def _edges(region, lit, depth):
    """How visible the outline through each pixel is, 0 to 1."""
    size = len(region)
    extent = np.sqrt(np.bincount(region.ravel())) / size
    # Nobody draws every window pane with the line of a house.
    weight = np.clip((extent / 0.08) ** 1.5, 0.1, 1)
    weight = weight.astype("float32")[region]
    edge = np.zeros(region.shape, "float32")
    for first, second in (
        (np.s_[:-1, :], np.s_[1:, :]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        change = np.abs(lit[first] - lit[second]).sum(axis=-1)
        change += np.abs(depth[first] - depth[second])
        change = np.minimum(2 * change, 1)
        change *= np.minimum(weight[first], weight[second])
        change *= region[first] != region[second]
        edge[first] = np.maximum(edge[first], change)
    return edge


# --- composing -------------------------------------------------------------


def _mirrored(shape):
    points = shape.points * [-1, 1] + [1, 0]
    return dataclasses.replace(shape, points=points, angle=-shape.angle)


def _ellipse(x, y, rx, ry, tilt=0.0, start=0.0, stop=1.0):
    turn = 2 * np.pi * np.linspace(start, stop, 28)
    px, py = rx * np.cos(turn), ry * np.sin(turn)
    c, s = np.cos(tilt), np.sin(tilt)
    return np.stack([x + px * c - py * s, y + px * s + py * c], axis=1)


def _box(left, top, right, bottom):
    return np.array(
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    )


class _Easel:
    """Collects the shapes of one scene; knows its hour, season and light."""

    def __init__(self, rng):
        self.rng = rng
        self.shapes = []
        self.hour = str(rng.choice(list(_HOURS)))
        self.season = str(rng.choice(list(_SEASONS)))
        top, low, tint, contrast = _HOURS[self.hour]
        self.sky_top, self.sky_low = self.vary(top), self.vary(low)
        self.tint = tuple(np.array(tint) * rng.uniform(0.94, 1.06, 3))
        self.contrast = contrast * rng.uniform(0.85, 1.15)
        foliage, ground = _SEASONS[self.season]
        self.foliage, self.ground = self.vary(foliage), self.vary(ground)
        # Things people made: three colours that go together.
        hue = rng.random()
        spread = rng.choice([0.08, 0.33, 0.42])
        self.accents = [
            self.vary(((hue + k * spread) % 1, 0.52, v))
            for k, v in enumerate((0.75, 0.6, 0.85))
        ]
        self.horizon = rng.uniform(0.38, 0.58)
        self.focus = (0.5, 0.5)
        side = rng.uniform(0.45, 0.75)
        self.light = (-side, -rng.uniform(0.4, 0.65), 0.65)

    def vary(self, hsv, amount=1.0):
        """The same colour, a little different."""
        h, s, v = np.array(hsv) + amount * self.rng.normal(0, 1, 3) * (
            0.02,
            0.05,
            0.05,
        )
        return (h % 1, min(max(s, 0), 1), min(max(v, 0.05), 1))

    def pick(self):
        """One of the scene's accent colours, varied."""
        return self.vary(self.accents[self.rng.integers(3)])

    def add(self, label, points, colour, depth=0.5, fade=None, **traits):
        """Adds a shape in front of all others."""
        points = np.asarray(points, "float64")
        fade = colour if fade is None else fade
        self.shapes.append(
            Shape(label, points, tuple(colour), tuple(fade), depth, **traits)
        )

    def shadow(self, points, strength=0.8):
        """Darkens what has been added so far."""
        self.add("shadow", points, (0, 0, 0), shadow=strength)

    def blob(self, label, x, y, rx, ry, colour, depth, lumps=0.12, **traits):
        """An ellipse with an uneven outline: foliage, clouds, stones."""
        turn = np.linspace(0, 2 * np.pi, 30, endpoint=False)
        radius = 1 + lumps * sum(
            np.sin(k * turn + self.rng.uniform(0, 6.3)) * w
            for k, w in ((3, 0.7), (5, 0.6), (8, 0.5))
        )
        points = np.stack(
            [x + rx * radius * np.cos(turn), y + ry * radius * np.sin(turn)], 1
        )
        traits = {"roundness": (0.8, 0.8), "follow": 0.8, **traits}
        self.add(label, points, colour, depth, **traits)

    def ridge(self, label, level, height, colour, depth, rough=1.0, **traits):
        """A skyline from edge to edge, filled down to the bottom."""
        x = np.linspace(-0.02, 1.02, 60)
        y = sum(
            np.sin(x * k * 6.3 + self.rng.uniform(0, 6.3)) * rough**i / k
            for i, k in enumerate((0.7, 1.6, 3.1, 6.5, 13))
        )
        top = np.stack([x, level - height * (0.5 + 0.35 * y)], axis=1)
        points = np.concatenate([top, [(1.02, 1.02), (-0.02, 1.02)]])
        self.add(label, points, colour, depth, **traits)

    def sky(self, clouds=True):
        """Sky, sometimes sun or moon, and clouds."""
        rng = self.rng
        # The fade runs over the shape, so it ends at the horizon.
        self.add(
            "sky",
            _box(-0.02, -0.02, 1.02, self.horizon + 0.12),
            self.sky_top,
            1.0,
            self.sky_low,
            backdrop=True,
            grain=0.03,
        )
        self.add(
            "sky",
            _box(-0.02, self.horizon + 0.1, 1.02, 1.02),
            self.sky_low,
            1.0,
            backdrop=True,
            grain=0.03,
        )
        if rng.random() < 0.6:
            x, r = rng.uniform(0.12, 0.45), rng.uniform(0.03, 0.06)
            low = self.hour in ("dawn", "dusk", "gold")
            y = self.horizon * (rng.uniform(0.6, 0.85) if low else 0.3)
            sun = (0.13, 0.25 if low else 0.1, 1.0)
            halo = tuple(np.array(self.sky_low) * 0.4 + np.array(sun) * 0.6)
            self.add(
                "halo",
                _ellipse(x, y, 1.9 * r, 1.9 * r),
                halo,
                1.0,
                backdrop=True,
                follow=1.0,
                grain=0.02,
            )
            self.add(
                "sun", _ellipse(x, y, r, r), sun, 1.0, backdrop=True, follow=1.0
            )
        value = self.sky_low[2]
        for _ in range(rng.integers(0, 5) if clouds else 0):
            x, y = rng.uniform(0, 1), rng.uniform(0.06, 0.75) * self.horizon
            scale = rng.uniform(0.06, 0.14)
            for k in rng.uniform(-1, 1, 5):
                lift = abs(k) * 0.3 * scale
                colour = self.vary((self.sky_low[0], 0.1, min(1, value + 0.1)))
                under = (self.sky_top[0], 0.2, value * 0.8)
                self.blob(
                    "cloud",
                    x + k * scale * 1.6,
                    y + lift,
                    scale * rng.uniform(0.6, 1),
                    scale * 0.42,
                    colour,
                    0.98,
                    0.1,
                    fade=under,
                    follow=0.4,
                    backdrop=True,
                    roundness=(0.2, 0.5),
                )

    def tree(self, x, base, height, depth, kind="round"):
        """A tree of some kind standing at (x, base)."""
        rng = self.rng
        bark = self.vary((0.07, 0.35, 0.33))
        w = height * 0.05
        self.shadow(
            _ellipse(x + 0.18 * height, base, height * 0.3, height * 0.06)
        )
        if kind == "fir":
            self.add(
                "trunk",
                _box(x - w, base - 0.2 * height, x + w, base),
                bark,
                depth,
                angle=1.57,
            )
            dark = self.vary((0.38, 0.45, 0.36))
            if self.season == "winter":
                dark = self.vary((0.5, 0.2, 0.6))
            for k in range(4):
                top = base - height * (1 - 0.19 * k)
                wide = height * (0.12 + 0.05 * k)
                points = [
                    (x, top),
                    (x + wide, top + 0.4 * height),
                    (x, top + 0.33 * height),
                    (x - wide, top + 0.4 * height),
                ]
                self.add(
                    "tree",
                    points,
                    self.vary(dark),
                    depth,
                    angle=1.2,
                    roundness=(0.9, 0.3),
                    grain=0.2,
                )
            return
        if kind == "poplar":
            self.add(
                "trunk",
                _box(x - w, base - 0.3 * height, x + w, base),
                bark,
                depth,
                angle=1.57,
            )
            for k in range(5):
                self.blob(
                    "tree",
                    x + rng.normal(0, 0.015) * height,
                    base - height * (0.22 + 0.17 * k),
                    height * (0.15 - 0.02 * k),
                    height * 0.18,
                    self.vary(self.foliage),
                    depth,
                    angle=1.57,
                    follow=0.3,
                    grain=0.2,
                )
            return
        lean = rng.normal(0, 0.06) * height
        self.add(
            "trunk",
            [
                (x - w, base),
                (x + w, base),
                (x + lean + w * 0.6, base - 0.55 * height),
                (x + lean - w * 0.6, base - 0.55 * height),
            ],
            bark,
            depth,
            angle=1.57,
            roundness=(0.9, 0),
        )
        for _ in range(9):
            turn, r = rng.uniform(0, 6.3), rng.uniform(0.05, 0.26) * height
            h, s, v = self.vary(self.foliage)
            lift = np.sin(turn) * r
            self.blob(
                "tree",
                x + lean + np.cos(turn) * r * 1.15,
                base - 0.7 * height + lift,
                height * 0.17,
                height * 0.15,
                (h, s, v * (1 - 0.9 * lift / height)),
                depth,
                grain=0.25,
            )

    def house(self, x, base, width, depth):
        """A house with a gable, a lit front and a darker side."""
        rng = self.rng
        wall, roof = self.vary((0.1, 0.18, 0.85)), self.vary((0.03, 0.5, 0.55))
        if rng.random() < 0.4:
            wall, roof = self.pick(), self.vary((0.6, 0.2, 0.4))
        h = width * rng.uniform(0.5, 0.8)
        mid = x + 0.4 * width
        side = (wall[0], wall[1], wall[2] * 0.65)
        self.shadow(
            [
                (x + width, base),
                (x + width * 1.5, base + 0.1 * width),
                (x, base + 0.1 * width),
                (x, base),
            ]
        )
        self.add(
            "house",
            [
                (x, base),
                (x, base - h),
                (x + 0.2 * width, base - h * 1.7),
                (mid, base - h),
                (mid, base),
            ],
            wall,
            depth,
            angle=1.57,
        )
        self.add(
            "house",
            _box(mid, base - h, x + width, base),
            side,
            depth,
            angle=1.57,
        )
        self.add(
            "roof",
            [
                (x + 0.2 * width, base - h * 1.75),
                (x + 0.82 * width, base - h * 1.75),
                (x + width * 1.03, base - h),
                (mid, base - h),
            ],
            roof,
            depth,
            angle=0.9,
        )
        glow = (
            (0.12, 0.7, 0.95)
            if self.hour in ("night", "dusk")
            else (
                0.6,
                0.2,
                0.25,
            )
        )
        for left in (0.1, 0.26, 0.5, 0.75):
            left = x + left * width
            self.add(
                "window",
                _box(
                    left, base - 0.75 * h, left + 0.09 * width, base - 0.4 * h
                ),
                glow,
                depth,
            )

    def boat(self, x, y, size, depth, sails=True):
        """A sailing boat whose waterline is at y."""
        rng = self.rng
        hull, sail = self.pick(), self.vary((0.1, 0.12, 0.95))
        if rng.random() < 0.4:
            sail = self.vary((0.04, 0.55, 0.75))
        self.shadow(_ellipse(x, y + 0.06 * size, 0.55 * size, 0.07 * size))
        wood = (0.07, 0.4, 0.3)
        self.add(
            "mast",
            _box(x - 0.014 * size, y - 1.15 * size, x + 0.014 * size, y),
            wood,
            depth,
            angle=1.57,
        )
        if sails:
            self.add(
                "sail",
                [
                    (x + 0.03 * size, y - 1.1 * size),
                    (x + 0.2 * size, y - 0.6 * size),
                    (x + 0.45 * size, y - 0.2 * size),
                    (x + 0.03 * size, y - 0.2 * size),
                ],
                sail,
                depth,
                angle=1.3,
                roundness=(0.6, 0),
            )
            self.add(
                "sail",
                [
                    (x - 0.03 * size, y - size),
                    (x - 0.03 * size, y - 0.2 * size),
                    (x - 0.4 * size, y - 0.17 * size),
                ],
                self.vary(sail),
                depth,
                angle=1.8,
                roundness=(0.6, 0),
            )
        self.add(
            "boat",
            [
                (x - 0.5 * size, y - 0.14 * size),
                (x + 0.55 * size, y - 0.16 * size),
                (x + 0.38 * size, y + 0.05 * size),
                (x - 0.36 * size, y + 0.05 * size),
            ],
            hull,
            depth,
            (hull[0], hull[1], hull[2] * 0.5),
        )

    def person(self, x, base, height, depth):
        """A small standing figure."""
        coat = self.pick()
        self.shadow(
            _ellipse(x + 0.2 * height, base, 0.25 * height, 0.05 * height)
        )
        self.add(
            "figure",
            [
                (x - 0.08 * height, base - 0.8 * height),
                (x + 0.08 * height, base - 0.8 * height),
                (x + 0.19 * height, base),
                (x - 0.17 * height, base),
            ],
            coat,
            depth,
            angle=1.5,
            roundness=(0.9, 0),
        )
        self.add(
            "figure",
            _ellipse(x, base - 0.88 * height, 0.075 * height, 0.1 * height),
            (0.07, 0.4, 0.85),
            depth,
        )
        self.add(
            "hat",
            _box(
                x - 0.1 * height,
                base - height,
                x + 0.1 * height,
                base - 0.93 * height,
            ),
            self.pick(),
            depth,
        )


def _landscape(e):
    rng, horizon = e.rng, e.horizon
    e.sky()
    for k, depth in enumerate((0.95, 0.85, 0.75)):
        far = (e.sky_low[0] * 0.3 + 0.62 * 0.7, 0.3 - 0.05 * k, 0.62 - 0.08 * k)
        if k == 2:
            far = (e.foliage[0], e.foliage[1] * 0.7, e.foliage[2] * 0.9)
        e.ridge(
            "hill",
            horizon + 0.03 * k,
            0.22 - 0.07 * k,
            e.vary(far),
            depth,
            0.6,
            angle=rng.uniform(-0.4, 0.4),
            grain=0.12,
        )
    e.ridge("field", horizon + 0.07, 0.03, e.ground, 0.6, 0.4, grain=0.15)
    for _ in range(4):
        left = rng.uniform(-0.2, 0.9)
        top = horizon + rng.uniform(0.08, 0.25)
        points = [
            (left, top),
            (left + 0.35, top - 0.01),
            (left + 0.6, top + 0.07),
            (left - 0.2, top + 0.08),
        ]
        h, s, v = e.vary(e.ground, 2)
        e.add("field", points, (h + rng.normal(0, 0.04), s, v), 0.5, grain=0.2)
    e.focus = (rng.uniform(0.55, 0.7), horizon + 0.02)
    x = e.focus[0]
    if rng.random() < 0.5:
        water = (e.sky_low[0], 0.4, 0.7)
        bend = rng.uniform(-0.2, 0.2)
        e.add(
            "river",
            [
                (x - 0.02, horizon + 0.08),
                (x + 0.02, horizon + 0.08),
                (x + bend + 0.12, 0.72),
                (0.62, 1.02),
                (0.1, 1.02),
                (x + bend - 0.12, 0.74),
            ],
            water,
            0.4,
            mirror=0.6,
        )
    else:
        road = e.vary((0.1, 0.25, 0.82))
        bend = rng.uniform(-0.15, 0.05)
        e.add(
            "road",
            [
                (x - 0.01, horizon + 0.08),
                (x + 0.01, horizon + 0.08),
                (x + bend + 0.05, 0.72),
                (0.55, 1.02),
                (0.2, 1.02),
                (x + bend - 0.07, 0.74),
            ],
            road,
            0.4,
            angle=1.2,
        )
    if rng.random() < 0.75:
        e.house(x + 0.02, horizon + 0.12, rng.uniform(0.16, 0.26), 0.5)
    kind = str(rng.choice(["round", "fir", "poplar"]))
    for tx in rng.uniform(0.02, 0.98, 5):
        e.tree(
            tx,
            horizon + rng.uniform(0.05, 0.1),
            rng.uniform(0.1, 0.2),
            0.6,
            kind,
        )
    e.ridge(
        "meadow",
        0.93,
        0.1,
        (e.ground[0], min(1, e.ground[1] * 1.2), e.ground[2] * 0.75),
        0.2,
        0.4,
        grain=0.25,
    )
    e.tree(rng.uniform(0.08, 0.24), 0.93, rng.uniform(0.55, 0.8), 0.15, kind)
    for _ in range(rng.integers(0, 4)):
        e.blob(
            "bush",
            rng.uniform(0, 1),
            0.97,
            0.08,
            0.06,
            e.vary(e.foliage),
            0.1,
            grain=0.25,
        )


def _seascape(e):
    rng, horizon = e.rng, e.horizon
    e.sky()
    sea = e.vary((rng.uniform(0.45, 0.62), 0.55, 0.62))
    deep = (sea[0], sea[1], sea[2] * 0.6)
    if rng.random() < 0.6:
        x = np.sort(rng.uniform(0.55, 1.0, 4))
        y = horizon - np.sort(rng.uniform(0.05, 0.24, 4))
        points = [
            (x[0] - 0.06, horizon),
            *zip(x, y, strict=True),
            (1.02, y[-1]),
            (1.02, horizon),
        ]
        e.add(
            "cliff",
            points,
            e.vary((0.08, 0.25, 0.6)),
            0.8,
            (0.08, 0.3, 0.45),
            angle=1.3,
            grain=0.25,
        )
    e.add("sea", _box(-0.02, horizon, 1.02, 1.02), sea, 0.7, deep, mirror=0.3)
    if any(s.label == "sun" for s in e.shapes):
        sun = next(s for s in e.shapes if s.label == "sun").points.mean(axis=0)
        for y in np.linspace(horizon + 0.015, 0.9, 12):
            w = 0.02 + 0.09 * (y - horizon) * rng.uniform(0.5, 1.5)
            cx = sun[0] + rng.normal(0, 0.02)
            e.add("glitter", _ellipse(cx, y, w, 0.006), (0.12, 0.2, 1), 0.7)
    e.focus = (rng.uniform(0.4, 0.6), horizon + 0.05)
    for _ in range(rng.integers(1, 4)):
        e.boat(
            rng.uniform(0.1, 0.9), horizon + 0.015, rng.uniform(0.05, 0.1), 0.75
        )
    swell = rng.uniform(0.5, 1.3)
    for k, y in enumerate(np.linspace(horizon + 0.06, 0.98, 8)):
        if k == 2:
            e.boat(e.focus[0], y, rng.uniform(0.25, 0.38), 0.4)
        x = np.linspace(-0.02, 1.02, 70)
        size = 0.05 * swell * (y - horizon + 0.05)
        period = rng.uniform(0.8, 1.3) / (0.08 + 0.4 * (y - horizon))
        phase = x * period * 3 + rng.uniform(0, 6.3)
        crest = y - size * (1.3 * np.abs(np.sin(phase)) ** 2 + np.sin(3 * x))
        low = crest + 0.012 + 0.05 * (y - horizon)
        points = np.concatenate(
            [np.stack([x, crest], 1), np.stack([x, low + size], 1)[::-1]]
        )
        tone = 0.7 + 0.6 * rng.random()
        colour = (
            sea[0] + rng.normal(0, 0.02),
            sea[1] * 0.9,
            min(1, sea[2] * tone),
        )
        e.add(
            "wave",
            points,
            colour,
            0.6 - 0.06 * k,
            deep,
            angle=0.12 * np.sin(k),
            mirror=0.1,
            grain=0.15,
        )
        foam = np.stack([x, crest - 0.002], 1)
        width = 0.004 + 0.02 * (y - horizon)
        lip = np.clip(np.sin(phase * 2 + 1), 0, 1) * width
        foam = np.concatenate([foam, np.stack([x, crest + lip], 1)[::-1]])
        e.add("foam", foam, (sea[0], 0.06, 0.97), 0.55 - 0.06 * k)
    if rng.random() < 0.5:
        e.ridge(
            "beach", 0.97, 0.1, e.vary((0.1, 0.35, 0.85)), 0.1, 0.5, grain=0.1
        )
        for _ in range(4):
            e.blob(
                "rock",
                rng.uniform(0, 1),
                rng.uniform(0.92, 1),
                0.07,
                0.05,
                e.vary((0.08, 0.15, 0.4)),
                0.1,
                grain=0.2,
            )


def _portrait(e):
    rng = e.rng
    x, y = rng.uniform(0.44, 0.56), rng.uniform(0.4, 0.46)
    w, h = rng.uniform(0.155, 0.185), rng.uniform(0.21, 0.24)
    e.focus, turn = (x, y), rng.uniform(-0.3, 0.3) * w
    if rng.random() < 0.4:
        e.horizon = rng.uniform(0.5, 0.65)
        e.sky()
        e.ridge("hill", e.horizon, 0.15, (0.55, 0.25, 0.55), 0.9, backdrop=True)
        e.ridge("hill", e.horizon + 0.08, 0.1, e.foliage, 0.8, backdrop=True)
    else:
        hue, strength, _ = e.accents[1]
        wall = e.vary((hue, 0.6 * strength, rng.uniform(0.25, 0.8)))
        e.add(
            "wall",
            _box(-0.02, -0.02, 1.02, 1.02),
            wall,
            1.0,
            (wall[0], wall[1], wall[2] * 0.6),
            backdrop=True,
            grain=0.1,
            angle=0.8,
        )
        if rng.random() < 0.5:
            cloth = e.pick()
            for k in range(5):
                left = -0.02 + 0.06 * k
                e.add(
                    "curtain",
                    [
                        (left, -0.02),
                        (left + 0.07, -0.02),
                        (left + 0.05 - 0.02 * k, 1.02),
                        (left - 0.03 * k, 1.02),
                    ],
                    e.vary(cloth),
                    0.95,
                    angle=1.5,
                    roundness=(0.95, 0),
                    backdrop=True,
                )
    skin = e.vary((0.065, rng.uniform(0.3, 0.55), rng.uniform(0.6, 0.95)))
    hair = e.vary((rng.uniform(0.04, 0.11), 0.5, rng.uniform(0.12, 0.7)))
    coat, long_hair = e.pick(), rng.random() < 0.55
    if long_hair:
        e.blob(
            "hair",
            x,
            y + 0.08,
            w * 1.45,
            h * 1.35,
            hair,
            0.35,
            0.05,
            grain=0.3,
            angle=1.57,
            follow=0.6,
        )
    slope = rng.uniform(0.07, 0.12)
    shoulder = y + h + 0.11
    body = [
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
    e.add(
        "robe",
        body,
        coat,
        0.25,
        (coat[0], coat[1], coat[2] * 0.6),
        roundness=(0.75, 0.3),
        angle=1.2,
        follow=0.5,
        grain=0.12,
    )
    for k in range(4):
        fx = x + (-0.26 + 0.17 * k)
        e.add(
            "fold",
            [
                (fx, shoulder + 0.09),
                (fx + 0.02, shoulder + 0.09),
                (fx + 0.06 * (k - 1.2), 1.02),
                (fx + 0.06 * (k - 1.7), 1.02),
            ],
            (coat[0], coat[1], coat[2] * rng.choice([0.6, 0.75, 1.2])),
            0.24,
            angle=1.4,
        )
    neck = (skin[0], skin[1], skin[2] * 0.82)
    e.add(
        "neck",
        [
            (x - w * 0.45, y + h * 0.6),
            (x + w * 0.45, y + h * 0.6),
            (x + w * 0.62, shoulder),
            (x, shoulder + 0.07),
            (x - w * 0.62, shoulder),
        ],
        neck,
        0.22,
        angle=1.5,
        roundness=(0.8, 0),
    )
    collar = e.vary((0.1, 0.08, 0.95))
    if rng.random() < 0.6:
        for side in (-1, 1):
            e.add(
                "collar",
                [
                    (x + side * w * 0.6, shoulder - 0.03),
                    (x + side * w * 0.75, shoulder + 0.05),
                    (x + side * 0.02, shoulder + 0.13),
                    (x, shoulder + 0.07),
                ],
                collar,
                0.2,
            )
    if not long_hair:
        e.blob(
            "hair", x, y - 0.03, w * 1.13, h * 1.08, hair, 0.35, 0.03, grain=0.3
        )
        for side in (-1, 1):
            e.add(
                "ear",
                _ellipse(x + side * w * 0.98, y + 0.02, 0.02, 0.04),
                skin,
                0.2,
                follow=1.0,
            )
    e.shadow(_ellipse(x + 0.02, y + h * 1.02, w * 0.75, 0.05), 0.7)
    face = np.concatenate(
        [
            _ellipse(x, y - 0.02, w, h * 0.93, start=0.5, stop=1.0),
            [
                (x + w * 0.97, y + h * 0.3),
                (x + w * 0.72, y + h * 0.68),
                (x + w * 0.28, y + h * 1.0),
                (x - w * 0.28, y + h * 1.0),
                (x - w * 0.72, y + h * 0.68),
                (x - w * 0.97, y + h * 0.3),
            ],
        ]
    )
    e.add(
        "face",
        face,
        skin,
        0.15,
        roundness=(0.85, 0.45),
        angle=1.2,
        follow=0.6,
        grain=0.05,
    )
    cx = x + turn

    def lit(colour, place, share=1.0):
        # A flat feature takes the light of the cheek that it lies on.
        tilt = 0.85 * (place - x) / w
        tone = 1 + share * e.contrast * (
            tilt * e.light[0] + (np.sqrt(1 - tilt**2) - 1) * e.light[2]
        )
        return (colour[0], colour[1], min(1, colour[2] * max(tone, 0.3)))

    blush = (skin[0] - 0.015, min(1, skin[1] * 1.2), skin[2] * 0.93)
    for side in (-1, 1):
        place = cx + side * w * 0.46
        e.add(
            "cheek",
            _ellipse(place, y + h * 0.32, w * 0.18, h * 0.1),
            lit(blush, place),
            0.15,
            follow=1.0,
            roundness=(0.2, 0.45),
        )
    eye_y, gap = y + h * 0.02, w * 0.43
    iris = e.vary((rng.choice([0.06, 0.3, 0.57]), 0.5, 0.3))
    for side in (-1, 1):
        ex = cx + side * gap
        socket = (skin[0], skin[1] * 1.1, skin[2] * 0.72)
        e.add(
            "eye",
            _ellipse(ex, eye_y - 0.008, w * 0.27, h * 0.13),
            lit(socket, ex),
            0.15,
        )
        e.add(
            "eye",
            _ellipse(ex, eye_y, w * 0.2, h * 0.072),
            lit((0.1, 0.06, 0.95), ex, 0.6),
            0.13,
        )
        e.add(
            "iris",
            _ellipse(ex + turn * 0.2, eye_y, w * 0.09, h * 0.075),
            iris,
            0.12,
        )
        e.add(
            "pupil",
            _ellipse(ex + turn * 0.2, eye_y, w * 0.045, h * 0.04),
            (0, 0, 0.05),
            0.12,
        )
        dark = (hair[0], hair[1], hair[2] * 0.6)
        e.add(
            "brow",
            [
                (ex - side * w * 0.22, eye_y - h * 0.15),
                (ex + side * w * 0.08, eye_y - h * 0.22),
                (ex + side * w * 0.27, eye_y - h * 0.13),
                (ex + side * w * 0.08, eye_y - h * 0.17),
            ],
            dark,
            0.13,
        )
    nose = y + h * 0.4
    e.add(
        "nose",
        [
            (cx + w * 0.04, eye_y - 0.01),
            (cx + w * 0.2, nose),
            (cx, nose + h * 0.06),
            (cx + w * 0.02, nose - h * 0.1),
        ],
        lit((skin[0], skin[1] * 1.1, skin[2] * 0.74), cx),
        0.14,
        angle=1.4,
    )
    e.add(
        "nose",
        [
            (cx - w * 0.03, eye_y),
            (cx + w * 0.04, eye_y),
            (cx + w * 0.06, nose - 0.01),
            (cx - w * 0.1, nose),
        ],
        lit((skin[0], skin[1] * 0.85, skin[2] * 1.08), cx),
        0.14,
        angle=1.4,
    )
    lips, mouth = e.vary((0.99, 0.55, 0.7)), y + h * 0.64
    e.add(
        "mouth",
        [
            (cx - w * 0.3, mouth),
            (cx - w * 0.08, mouth - h * 0.06),
            (cx, mouth - h * 0.04),
            (cx + w * 0.08, mouth - h * 0.06),
            (cx + w * 0.3, mouth),
            (cx, mouth + h * 0.02),
        ],
        lit((lips[0], lips[1], lips[2] * 0.75), cx),
        0.13,
    )
    e.add(
        "mouth",
        [
            (cx - w * 0.26, mouth),
            (cx, mouth + h * 0.015),
            (cx + w * 0.26, mouth),
            (cx + w * 0.1, mouth + h * 0.09),
            (cx - w * 0.1, mouth + h * 0.09),
        ],
        lit(lips, cx),
        0.12,
    )
    fringe = rng.uniform(-0.7, 0.7) * w
    cap = _ellipse(x, y - 0.01, w * 1.12, h * 1.03, start=0.47, stop=1.03)
    inner = [
        (x + w * 0.93, y - h * 0.1),
        (x + w * 0.7, y - h * 0.5),
        (x + fringe, y - h * 0.68),
        (x - w * 0.7, y - h * 0.5),
        (x - w * 0.93, y - h * 0.1),
    ]
    e.add(
        "hair",
        np.concatenate([cap, inner]),
        hair,
        0.12,
        follow=0.9,
        roundness=(0.7, 0.7),
        grain=0.3,
    )
    if rng.random() < 0.35:
        hat, band = e.pick(), e.pick()
        e.add(
            "hat", _ellipse(x, y - h * 0.62, w * 1.9, 0.05), hat, 0.1, angle=0
        )
        e.add(
            "hat",
            [
                (x - w, y - h * 0.63),
                (x - w * 0.8, y - h * 1.25),
                (x + w * 0.8, y - h * 1.25),
                (x + w, y - h * 0.63),
            ],
            hat,
            0.1,
            roundness=(0.9, 0),
            angle=1.4,
        )
        e.add(
            "hat",
            [
                (x - w, y - h * 0.64),
                (x - w * 0.96, y - h * 0.78),
                (x + w * 0.96, y - h * 0.78),
                (x + w, y - h * 0.64),
            ],
            band,
            0.1,
        )


def _still_life(e):
    rng = e.rng
    hue, strength, _ = e.accents[2]
    wall = e.vary((hue, 0.55 * strength, rng.uniform(0.3, 0.85)))
    e.add(
        "wall",
        _box(-0.02, -0.02, 1.02, 0.7),
        wall,
        1.0,
        (wall[0], wall[1], wall[2] * 0.75),
        backdrop=True,
        angle=1.0,
        grain=0.1,
    )
    edge = e.horizon = rng.uniform(0.5, 0.58)
    wood = e.vary((0.07, 0.5, 0.5))
    e.add(
        "table",
        _box(-0.02, edge, 1.02, 1.02),
        wood,
        0.6,
        (wood[0], wood[1], wood[2] * 0.6),
        grain=0.15,
    )
    cloth = e.vary((0.6, 0.05, 0.95)) if rng.random() < 0.6 else e.pick()
    drop = rng.uniform(0.8, 0.86)
    left = rng.uniform(-0.02, 0.15)
    e.add(
        "cloth",
        [
            (left + 0.1, edge + 0.03),
            (1.02, edge + 0.02),
            (1.02, drop),
            (left, drop + 0.03),
        ],
        cloth,
        0.5,
        grain=0.08,
    )
    for k in range(8):
        fx = left + k * (1.05 - left) / 8
        tone = 0.62 + 0.3 * (k % 2) + rng.uniform(-0.05, 0.05)
        step = (1.05 - left) / 8
        e.add(
            "fold",
            [
                (fx, drop + 0.03),
                (fx + step, drop),
                (fx + step * 0.9, 0.98 + 0.03 * rng.random()),
                (fx + step * 0.2, 0.98),
            ],
            (cloth[0], cloth[1], cloth[2] * tone),
            0.4,
            angle=1.5,
            roundness=(0.9, 0),
        )
    e.focus = (0.5, 0.62)
    # Bottle or jug behind, with a shadow thrown away from the light.
    bx, base = rng.uniform(0.2, 0.32), rng.uniform(0.66, 0.7)
    e.shadow(
        [
            (bx, base),
            (bx + 0.4, base - 0.03),
            (bx + 0.42, base + 0.03),
            (bx + 0.06, base + 0.05),
        ]
    )
    glass = e.vary((rng.choice([0.3, 0.08, 0.6]), 0.6, 0.35))
    r = rng.uniform(0.055, 0.075)
    tall = rng.uniform(0.4, 0.5)
    e.add(
        "bottle",
        [
            (bx - r, base),
            (bx - r, base - tall * 0.55),
            (bx - r * 0.8, base - tall * 0.66),
            (bx - r * 0.35, base - tall * 0.74),
            (bx - r * 0.33, base - tall),
            (bx + r * 0.33, base - tall),
            (bx + r * 0.35, base - tall * 0.74),
            (bx + r * 0.8, base - tall * 0.66),
            (bx + r, base - tall * 0.55),
            (bx + r, base),
            (bx + r * 0.6, base + 0.02),
            (bx - r * 0.6, base + 0.02),
        ],
        glass,
        0.4,
        angle=1.57,
        roundness=(0.95, 0),
    )
    e.add(
        "highlight",
        _box(
            bx - r * 0.6, base - tall * 0.55, bx - r * 0.35, base - tall * 0.12
        ),
        (0.5, 0.1, 0.95),
        0.39,
    )
    e.add(
        "label",
        [
            (bx - r, base - 0.17),
            (bx + r, base - 0.17),
            (bx + r, base - 0.07),
            (bx - r, base - 0.07),
        ],
        e.vary((0.11, 0.25, 0.9)),
        0.39,
        roundness=(0.9, 0),
    )
    if rng.random() < 0.6:
        vx, r = rng.uniform(0.72, 0.82), 0.09
        pot = e.pick()
        e.shadow(_ellipse(vx + 0.12, base, 0.16, 0.03))
        for _ in range(12):
            fx = vx + rng.normal(0, 0.085)
            fy = base - 0.33 + rng.normal(0, 0.075)
            if rng.random() < 0.45:
                e.add(
                    "leaf",
                    _ellipse(fx, fy, 0.06, 0.02, rng.uniform(-1.5, 1.5)),
                    e.vary((0.32, 0.5, 0.4)),
                    0.45,
                    grain=0.15,
                )
            bloom, size = e.pick(), rng.uniform(0.035, 0.055)
            e.blob("flower", fx, fy, size, size, bloom, 0.44, 0.2)
            e.add(
                "flower",
                _ellipse(fx, fy, size * 0.3, size * 0.3),
                (0.12, 0.7, 0.9),
                0.43,
            )
        e.add(
            "vase",
            [
                (vx - r * 0.5, base - 0.25),
                (vx + r * 0.5, base - 0.25),
                (vx + r * 0.45, base - 0.2),
                (vx + r, base - 0.12),
                (vx + r * 0.9, base - 0.04),
                (vx + r * 0.5, base + 0.02),
                (vx - r * 0.5, base + 0.02),
                (vx - r * 0.9, base - 0.04),
                (vx - r, base - 0.12),
                (vx - r * 0.45, base - 0.2),
            ],
            pot,
            0.4,
            roundness=(0.95, 0.2),
            angle=0.1,
        )
        e.add(
            "highlight",
            _ellipse(vx - r * 0.45, base - 0.13, 0.012, 0.03),
            (0, 0, 1),
            0.39,
        )

    def fruit(x, y, r):
        hue = rng.choice([0.0, 0.03, 0.08, 0.13, 0.25])
        colour = e.vary((hue, 0.75, 0.85))
        e.blob(
            "fruit",
            x,
            y,
            r,
            r * rng.uniform(0.9, 1.05),
            colour,
            0.3,
            0.03,
            roundness=(0.95, 0.95),
            follow=1.0,
        )
        e.add(
            "highlight",
            _ellipse(x - r * 0.35, y - r * 0.38, r * 0.2, r * 0.14, 0.7),
            (hue, 0.1, 1.0),
            0.29,
        )
        e.add(
            "stalk",
            [
                (x - 0.005, y - r * 0.85),
                (x + 0.008, y - r * 0.85),
                (x + 0.02, y - r * 1.25),
                (x + 0.012, y - r * 1.25),
            ],
            (0.08, 0.5, 0.25),
            0.29,
        )

    cx, cy = rng.uniform(0.48, 0.56), rng.uniform(0.68, 0.72)
    r = rng.uniform(0.17, 0.2)
    bowl = e.vary((rng.choice([0.6, 0.1, 0.5]), 0.3, 0.75))
    e.shadow(_ellipse(cx + 0.1, cy + 0.12, r * 1.1, 0.04))
    e.add(
        "bowl",
        _ellipse(cx, cy, r, r * 0.3),
        (bowl[0], bowl[1], bowl[2] * 0.5),
        0.35,
    )
    for k in range(5):
        fruit(
            cx + (k - 2) * r * 0.38,
            cy - 0.02 - 0.04 * (2 - abs(k - 2)),
            rng.uniform(0.055, 0.068),
        )
    e.add(
        "bowl",
        [
            *_ellipse(cx, cy, r, r * 0.3, start=0, stop=0.5),
            (cx - r * 0.8, cy + r * 0.45),
            (cx - r * 0.35, cy + r * 0.8),
            (cx + r * 0.35, cy + r * 0.8),
            (cx + r * 0.8, cy + r * 0.45),
        ],
        bowl,
        0.25,
        roundness=(0.9, 0.3),
        angle=0.1,
    )
    for _ in range(rng.integers(1, 4)):
        x, y = rng.uniform(0.15, 0.9), rng.uniform(0.8, 0.84)
        e.shadow(_ellipse(x + 0.05, y + 0.045, 0.09, 0.02))
        fruit(x, y, rng.uniform(0.05, 0.065))
    if rng.random() < 0.5:
        x = rng.uniform(0.6, 0.75)
        e.add(
            "knife",
            [(x, 0.86), (x + 0.2, 0.82), (x + 0.205, 0.83), (x + 0.005, 0.875)],
            (0.6, 0.08, 0.8),
            0.2,
        )


def _city(e):
    rng = e.rng
    vx, vy = rng.uniform(0.42, 0.58), rng.uniform(0.5, 0.6)
    e.horizon, e.focus = vy, (vx, vy)
    e.sky()
    e.ridge("roofs", vy + 0.02, 0.12, e.vary((0.6, 0.2, 0.5)), 0.95, 1.2)
    if rng.random() < 0.7:
        top, w = rng.uniform(0.12, 0.28), rng.uniform(0.025, 0.045)
        stone = e.vary((0.1, 0.15, 0.65))
        e.add("tower", _box(vx - w, top, vx + w, vy), stone, 0.85, angle=1.57)
        e.add(
            "tower",
            [(vx - w * 1.2, top), (vx, top - 0.13), (vx + w * 1.2, top)],
            e.vary((0.5, 0.3, 0.45)),
            0.85,
            angle=1.57,
        )
        e.add(
            "window",
            _ellipse(vx, top + 0.05, w * 0.5, w * 0.6),
            (0.12, 0.3, 0.9),
            0.84,
        )
    stone = e.vary((0.09, 0.12, 0.68))
    e.add(
        "street",
        [
            (-0.02, 1.02),
            (-0.02, 0.8),
            (vx - 0.02, vy + 0.02),
            (vx + 0.02, vy + 0.02),
            (1.02, 0.8),
            (1.02, 1.02),
        ],
        stone,
        0.4,
        (stone[0], stone[1], stone[2] * 0.7),
        grain=0.2,
    )
    night = e.hour in ("night", "dusk")
    for side in (-1, 1):
        # How far along the street, 1 at the edge of the picture.
        t, far = 1.05, 0.16
        while t > far:
            step = t * rng.uniform(0.22, 0.36)
            near, back = t, max(t - step, far * 0.9)
            tall = rng.uniform(0.55, 0.95)
            wall = e.pick() if rng.random() < 0.55 else e.vary((0.1, 0.2, 0.85))
            tone = 1.0 if side < 0 else 0.72
            wall = (wall[0], wall[1] * 0.75, wall[2] * tone)
            reach = vx if side < 0 else 1 - vx

            def at(t, height, side=side, reach=reach):
                x = vx + side * t * (reach + 0.02)
                return (x, vy + 0.36 * t - height * t)

            e.add(
                "building",
                [
                    at(near, 0),
                    at(near, tall + 0.3),
                    at(back, tall + 0.3),
                    at(back, 0),
                ],
                wall,
                0.3 + 0.6 * (1 - near),
                angle=1.57,
                grain=0.1,
                fade=(wall[0], wall[1], wall[2] * 0.8),
            )
            roof = e.vary((0.03, 0.4, 0.42))
            e.add(
                "roof",
                [
                    at(near * 1.02, tall + 0.28),
                    at(near, tall + 0.36),
                    at(back, tall + 0.36),
                    at(back, tall + 0.28),
                ],
                roof,
                0.3 + 0.6 * (1 - near),
            )
            columns = 3
            for row in range(4):
                low = 0.12 + row * (tall + 0.1) / 4
                for k in range(columns):
                    a = near + (back - near) * (k + 0.25) / columns
                    b = near + (back - near) * (k + 0.75) / columns
                    bright = night and rng.random() < 0.5
                    pane = (0.12, 0.65, 1.0) if bright else (0.6, 0.25, 0.28)
                    high = low + (0.1 if row else 0.16)
                    e.add(
                        "window",
                        [at(a, low), at(a, high), at(b, high), at(b, low)],
                        e.vary(pane),
                        0.29 + 0.6 * (1 - near),
                    )
            e.shadow(
                [at(near, 0), at(back, 0), at(back, -0.08), at(near, -0.12)]
                if side < 0
                else [
                    at(near, 0.0),
                    at(back, 0.0),
                    at(back, -0.25),
                    at(near, -0.3),
                ]
            )
            t = back
    for _ in range(rng.integers(2, 7)):
        t = rng.uniform(0.35, 1.0)
        x = vx + rng.uniform(-0.35, 0.35) * t
        e.person(x, vy + 0.36 * t + 0.02, 0.26 * t, 0.25)


def _forest(e):
    rng = e.rng
    e.horizon = rng.uniform(0.5, 0.6)
    glow = (0.14, 0.35, 0.95) if e.hour != "night" else (0.6, 0.4, 0.45)
    e.add(
        "sky",
        _box(-0.02, -0.02, 1.02, 1.02),
        (e.foliage[0], e.foliage[1] * 0.6, e.foliage[2] * 0.9),
        1.0,
        e.vary(glow),
        backdrop=True,
        angle=1.57,
        grain=0.1,
    )
    e.focus = (rng.uniform(0.4, 0.6), e.horizon)
    for _ in range(16):
        h, s, v = e.vary(e.foliage, 1.5)
        x, y = rng.uniform(0, 1), rng.uniform(0, e.horizon - 0.05)
        light = 1.3 - 0.9 * abs(x - e.focus[0])
        e.blob(
            "leaves",
            x,
            y,
            0.13,
            0.09,
            (h, s * 0.8, min(1, v * light)),
            0.9,
            0.2,
            grain=0.25,
            roundness=(0.4, 0.5),
        )
    floor = e.vary((e.ground[0], e.ground[1] * 0.8, e.ground[2] * 0.75))
    e.ridge("ground", e.horizon + 0.05, 0.05, floor, 0.6, 0.5, grain=0.25)
    path = e.vary((0.1, 0.25, 0.85))
    x, bend = e.focus[0], rng.uniform(-0.12, 0.12)
    e.add(
        "path",
        [
            (x - 0.01, e.horizon + 0.05),
            (x + 0.02, e.horizon + 0.05),
            (x + bend + 0.1, 0.75),
            (x + 0.22, 1.02),
            (x - 0.25, 1.02),
            (x + bend - 0.08, 0.75),
        ],
        path,
        0.5,
        angle=1.3,
        grain=0.15,
    )
    birch = rng.random() < 0.4
    for layer in range(4):
        depth = 0.8 - 0.2 * layer
        base = e.horizon + 0.06 + 0.1 * layer
        width = 0.012 + 0.012 * layer
        for tx in rng.uniform(-0.02, 1.02, 9 - 2 * layer):
            if abs(tx - x) < 0.05 + 0.06 * layer:
                continue
            bark = (0.1, 0.06, 0.9) if birch else (0.06, 0.4, 0.5)
            h, s, v = e.vary(bark)
            v *= 0.95 - 0.14 * layer
            wide = width * rng.uniform(0.7, 1.3)
            lean = rng.normal(0, 0.025)
            foot = base + rng.normal(0, 0.015)
            e.shadow(
                [
                    (tx, foot),
                    (tx + 0.03, foot),
                    (tx + 0.3, foot + 0.1),
                    (tx + 0.22, foot + 0.11),
                ],
                0.65,
            )
            e.add(
                "trunk",
                [
                    (tx - wide * 1.5, foot),
                    (tx - wide, foot - 0.07),
                    (tx + lean - wide * 0.7, -0.02),
                    (tx + lean + wide * 0.7, -0.02),
                    (tx + wide, foot - 0.07),
                    (tx + wide * 1.6, foot),
                ],
                (h, s, v),
                depth,
                angle=1.57,
                roundness=(0.95, 0),
                grain=0.35 if birch else 0.2,
            )
            if layer > 1:
                y = rng.uniform(0.15, 0.35)
                way = rng.choice([-1, 1])
                e.add(
                    "branch",
                    [
                        (tx, y),
                        (tx + way * 0.16, y - 0.11),
                        (tx + way * 0.16, y - 0.1),
                        (tx, y + 0.03),
                    ],
                    (h, s, v),
                    depth,
                    angle=-0.6 * way,
                )
        for _ in range(5):
            h, s, v = e.vary(e.foliage)
            e.blob(
                "bush",
                rng.uniform(0, 1),
                base + 0.02,
                0.05 + 0.02 * layer,
                0.03 + 0.01 * layer,
                (h, s, v * (0.9 - 0.12 * layer)),
                depth,
                0.2,
                grain=0.25,
            )
        if layer in (1, 3):
            for _ in range(7):
                h, s, v = e.vary(e.foliage)
                e.blob(
                    "leaves",
                    rng.uniform(0, 1),
                    rng.uniform(-0.05, 0.12),
                    0.14,
                    0.09,
                    (h, s, v * (1 - 0.15 * layer)),
                    depth,
                    0.25,
                    grain=0.3,
                )
    if rng.random() < 0.6:
        e.person(x + bend * 0.5, 0.76, rng.uniform(0.12, 0.18), 0.4)


def _harbour(e):
    rng, horizon = e.rng, e.horizon
    e.sky()
    e.ridge(
        "hill", horizon, 0.14, e.vary((0.6, 0.25, 0.55)), 0.95, 0.7, grain=0.12
    )
    x = -0.05
    while x < 1.0:
        w, h = rng.uniform(0.09, 0.15), rng.uniform(0.1, 0.2)
        wall = e.pick() if rng.random() < 0.6 else e.vary((0.1, 0.15, 0.88))
        wall = (wall[0], wall[1] * 0.7, wall[2])
        e.add(
            "house",
            _box(x, horizon - h, x + w, horizon + 0.01),
            wall,
            0.75,
            angle=1.57,
        )
        e.add(
            "roof",
            [
                (x - 0.01, horizon - h),
                (x + w / 2, horizon - h - 0.07),
                (x + w + 0.01, horizon - h),
            ],
            e.vary((0.03, 0.55, 0.6)),
            0.75,
            angle=0.7,
        )
        for row in range(2):
            for k in range(3):
                left = x + w * (0.14 + 0.28 * k)
                top = horizon - h * (0.85 - 0.42 * row)
                lamp = e.hour in ("night", "dusk") and rng.random() < 0.5
                pane = (0.12, 0.7, 1) if lamp else (0.6, 0.3, 0.3)
                e.add(
                    "window",
                    _box(left, top, left + w * 0.14, top + h * 0.2),
                    pane,
                    0.74,
                )
        x += w
    water = e.vary((0.55, 0.4, 0.6))
    e.add(
        "water",
        _box(-0.02, horizon, 1.02, 1.02),
        water,
        0.6,
        (water[0], 0.5, 0.35),
        mirror=0.65,
    )
    e.add(
        "quay",
        _box(-0.02, horizon - 0.005, 1.02, horizon + 0.02),
        e.vary((0.09, 0.15, 0.5)),
        0.7,
    )
    for _ in range(14):
        y = horizon + 0.05 + 0.5 * rng.random() ** 1.5
        w = 0.03 + 0.2 * (y - horizon)
        e.add(
            "ripple",
            _ellipse(rng.uniform(0, 1), y, w, 0.004),
            (water[0], 0.2, rng.choice([0.45, 0.9])),
            0.5,
        )
    places = [(rng.uniform(0.1, 0.9), horizon + 0.05, 0.14) for _ in range(2)]
    places += [
        (rng.uniform(0.55, 0.8), horizon + 0.16, 0.28),
        (rng.uniform(0.2, 0.4), horizon + 0.27, 0.42),
    ]
    e.focus = places[-1][:2]
    for x, y, size in places:
        if rng.random() < 0.9:
            e.boat(x, y, size, 0.4, sails=rng.random() < 0.6)
    if rng.random() < 0.6:
        stone = e.vary((0.09, 0.2, 0.6))
        e.add(
            "quay",
            [(0.45, 1.02), (0.7, 0.9), (1.02, 0.86), (1.02, 1.02)],
            stone,
            0.1,
            grain=0.2,
        )
        e.person(rng.uniform(0.78, 0.9), 0.94, 0.2, 0.1)


def _interior(e):
    rng = e.rng
    hue, strength, _ = e.accents[0]
    wall = e.vary((hue, 0.5 * strength, rng.uniform(0.45, 0.85)))
    left, floor = rng.uniform(0.2, 0.3), rng.uniform(0.66, 0.72)
    e.horizon = floor
    e.add(
        "wall",
        _box(-0.02, -0.02, 1.02, 1.02),
        wall,
        1.0,
        (wall[0], wall[1], wall[2] * 0.8),
        backdrop=True,
        angle=1.2,
    )
    e.add(
        "wall",
        [(-0.02, -0.02), (left, -0.02), (left, floor), (-0.02, 0.93)],
        (wall[0], wall[1], wall[2] * 0.72),
        0.8,
        angle=1.4,
        backdrop=True,
    )
    wood = e.vary((0.07, 0.5, 0.5))
    vx = rng.uniform(0.4, 0.6)
    e.add(
        "floor",
        [
            (-0.02, 1.02),
            (-0.02, 0.93),
            (left, floor),
            (1.02, floor),
            (1.02, 1.02),
        ],
        wood,
        0.5,
        grain=0.15,
    )
    for k in range(9):
        a, b = left + k * 0.1, left + (k + 0.5) * 0.1
        low_a, low_b = vx + (a - vx) * 2.3, vx + (b - vx) * 2.3
        e.add(
            "plank",
            [(a, floor), (b, floor), (low_b, 1.02), (low_a, 1.02)],
            (wood[0], wood[1], wood[2] * rng.uniform(0.75, 0.9)),
            0.5,
            angle=1.57 - (a - vx) * 0.6,
        )
    # A window on the back wall with the weather outside, or on the side.
    wx, wy = left + rng.uniform(0.06, 0.14), rng.uniform(0.1, 0.16)
    ww, wh = rng.uniform(0.22, 0.28), rng.uniform(0.3, 0.36)
    frame = e.vary((0.1, 0.15, 0.85))
    e.add(
        "frame",
        _box(wx - 0.02, wy - 0.02, wx + ww + 0.02, wy + wh + 0.02),
        frame,
        0.8,
    )
    e.add("view", _box(wx, wy, wx + ww, wy + wh), e.sky_top, 0.9, e.sky_low)
    e.blob(
        "view",
        wx + ww * 0.7,
        wy + wh * 0.85,
        ww * 0.28,
        wh * 0.22,
        e.foliage,
        0.9,
    )
    e.add("view", _box(wx, wy + wh * 0.85, wx + ww, wy + wh), e.ground, 0.9)
    e.add(
        "frame", _box(wx + ww * 0.47, wy, wx + ww * 0.53, wy + wh), frame, 0.8
    )
    e.add("frame", _box(wx, wy + wh * 0.45, wx + ww, wy + wh * 0.5), frame, 0.8)
    drape = e.pick()
    for side, px in ((-1, wx - 0.02), (1, wx + ww + 0.02)):
        for k in range(2):
            a = px + side * 0.035 * k
            e.add(
                "curtain",
                [
                    (a, wy - 0.05),
                    (a + side * 0.045, wy - 0.05),
                    (a + side * 0.06, wy + wh + 0.12),
                    (a + side * 0.01, wy + wh + 0.12),
                ],
                e.vary(drape),
                0.75,
                angle=1.5,
                roundness=(0.9, 0),
            )
    e.add(
        "light",
        [
            (wx + 0.02, floor + 0.08),
            (wx + ww, floor + 0.06),
            (wx + ww + 0.2, 0.95),
            (wx + 0.12, 1.0),
        ],
        (0.12, 0.35, min(1, wood[2] * 1.7)),
        0.5,
    )
    px, py = rng.uniform(0.72, 0.8), rng.uniform(0.12, 0.2)
    gold = (0.11, 0.6, 0.7)
    e.add("frame", _box(px - 0.02, py - 0.02, px + 0.18, py + 0.17), gold, 0.8)
    e.add(
        "picture", _box(px, py, px + 0.16, py + 0.15), e.pick(), 0.8, e.pick()
    )
    e.add("picture", _ellipse(px + 0.08, py + 0.09, 0.05, 0.035), e.pick(), 0.8)
    # A table with a vase, and somebody at it.
    tx, ty = rng.uniform(0.52, 0.6), floor - 0.03
    e.focus = (tx + 0.05, ty - 0.1)
    coat, skin = e.pick(), e.vary((0.07, 0.4, 0.85))
    fx = tx + 0.3
    e.shadow(_ellipse(fx + 0.03, 0.93, 0.2, 0.04))
    e.add(
        "chair",
        _box(fx + 0.06, ty - 0.2, fx + 0.1, 0.93),
        (0.06, 0.5, 0.3),
        0.35,
        angle=1.57,
    )
    e.add(
        "figure",
        [
            (fx - 0.05, ty - 0.17),
            (fx + 0.05, ty - 0.17),
            (fx + 0.1, ty - 0.02),
            (fx + 0.09, ty + 0.1),
            (fx + 0.06, 0.94),
            (fx - 0.16, 0.94),
            (fx - 0.13, ty + 0.06),
            (fx - 0.07, ty),
        ],
        coat,
        0.3,
        (coat[0], coat[1], coat[2] * 0.6),
        angle=1.3,
        roundness=(0.85, 0.2),
    )
    e.add(
        "face",
        _ellipse(fx - 0.02, ty - 0.24, 0.05, 0.065),
        skin,
        0.3,
        roundness=(0.8, 0.5),
        follow=0.8,
    )
    e.add(
        "hair",
        _ellipse(fx + 0.005, ty - 0.265, 0.055, 0.06, -0.5),
        e.vary((0.07, 0.5, 0.3)),
        0.29,
        follow=0.9,
    )
    e.add("face", _ellipse(fx - 0.04, ty - 0.235, 0.03, 0.045), skin, 0.28)
    e.add(
        "arm",
        [
            (fx - 0.03, ty - 0.14),
            (fx + 0.02, ty - 0.1),
            (fx - 0.08, ty + 0.005),
            (fx - 0.2, ty - 0.01),
            (fx - 0.19, ty - 0.035),
            (fx - 0.09, ty - 0.03),
        ],
        (coat[0], coat[1], coat[2] * 1.1),
        0.27,
        roundness=(0, 0.8),
    )
    cloth = e.pick()
    e.shadow(_box(tx - 0.16, 0.9, tx + 0.3, 0.96))
    for leg in (tx - 0.16, tx + 0.18):
        e.add(
            "table",
            _box(leg, ty, leg + 0.035, 0.95),
            (0.06, 0.5, 0.32),
            0.3,
            angle=1.57,
        )
    e.add(
        "table",
        [
            (tx - 0.2, ty + 0.02),
            (tx - 0.14, ty - 0.03),
            (tx + 0.22, ty - 0.03),
            (tx + 0.26, ty + 0.02),
            (tx + 0.24, ty + 0.11),
            (tx - 0.18, ty + 0.13),
        ],
        cloth,
        0.3,
        (cloth[0], cloth[1], cloth[2] * 0.6),
    )
    pot, vx = e.pick(), tx - 0.04
    for _ in range(7):
        x, y = vx + rng.normal(0, 0.045), ty - 0.17 + rng.normal(0, 0.035)
        e.blob("flower", x, y, 0.03, 0.03, e.pick(), 0.3, 0.2)
    e.add(
        "vase",
        [
            (vx - 0.02, ty - 0.13),
            (vx + 0.02, ty - 0.13),
            (vx + 0.045, ty - 0.06),
            (vx + 0.025, ty),
            (vx - 0.025, ty),
            (vx - 0.045, ty - 0.06),
        ],
        pot,
        0.25,
        roundness=(0.95, 0.1),
    )


_COMPOSERS = {
    "landscape": _landscape,
    "portrait": _portrait,
    "seascape": _seascape,
    "still_life": _still_life,
    "city": _city,
    "forest": _forest,
    "harbour": _harbour,
    "interior": _interior,
}
