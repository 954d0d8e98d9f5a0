"""The maps of a scene, from which every style paints."""

import dataclasses
import typing
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from keras_artkd.datasets.atelier.fields import soften, value_noise
from keras_artkd.datasets.atelier.palette import hsv_to_rgb
from keras_artkd.datasets.atelier.shapes import Shape
from keras_artkd.types import Array

if typing.TYPE_CHECKING:  # It imports this module.
    from keras_artkd.datasets.atelier.scene import Scene


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

    colour: Array
    lit: Array
    shade: Array
    region: Array
    depth: Array
    angle: Array
    edge: Array
    backdrop: Array
    shapes: tuple[Shape, ...]
    focus: tuple[float, float]
    light: tuple[float, float, float]


def rasterise(scene: "Scene", size: int) -> Raster:
    """Draws the maps of a scene on `size` by `size` pixels: a `Raster`."""
    region, shadow = _draw(scene.shapes, size)
    rng = np.random.Generator(np.random.PCG64([scene.seed, 1889]))
    table = _Table(scene.shapes)
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
    lx, ly, lz = scene.light
    shade = 1 + scene.contrast * (nx * lx + ny * ly + (nz - 1) * lz)
    shade = np.clip(shade, 0.3, 1.5) * (1 - 0.55 * shadow)

    depth = table.depth[region]
    lit = colour * np.array(scene.tint, "float32") * shade[..., None]
    haze = hsv_to_rgb(scene.haze)
    far = 0.45 * np.clip(depth - 0.35, 0, 1) ** 1.5
    far = (far * (table.backdrop[region] < 1))[..., None]
    lit = lit + (haze - lit) * far
    mirror = table.mirror[region]
    if mirror.any():
        lit, colour = _reflect(
            rng, lit, mirror, scene.horizon * size, (lit, colour)
        )

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
        shapes=scene.shapes,
        focus=scene.focus,
        light=scene.light,
    )


class _Table:
    """The shapes' numbers as arrays, indexed by the region map."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
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

        def column(name: str) -> Array:
            return np.array([getattr(s, name) for s in shapes], "float32")

        self.depth, self.angle = column("depth"), column("angle")
        self.follow, self.grain = column("follow"), column("grain")
        self.mirror, self.backdrop = column("mirror"), column("backdrop")


def _draw(shapes: Sequence[Shape], size: int) -> tuple[Array, Array]:
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
    blurred = shadow.filter(ImageFilter.GaussianBlur(size / 90))
    darkness = np.asarray(blurred, "float32") / 255
    return np.asarray(region).astype("int32"), darkness


def _reflect(
    rng: np.random.Generator,
    above: Array,
    mirror: Array,
    level: float,
    images: Sequence[Array],
) -> list[Array]:
    """Mirrors `above` about the row `level` into the water of `images`."""
    size = len(mirror)
    rows = np.arange(size)
    source = 2 * level - rows[:, None]
    ripple = value_noise(rng, size, 10, 2)[:, ::4]
    ripple = np.repeat(ripple, 4, axis=1)[:, :size]
    source = source + ripple * 0.05 * (rows[:, None] - level)
    source = np.clip(source, 0, size - 1).astype(int)
    image = above[source, np.arange(size)]
    weight = (mirror * (rows[:, None] > level))[..., None]
    return [i + (image * 0.9 - i) * weight for i in images]


def _angles(
    rng: np.random.Generator,
    table: _Table,
    region: Array,
    u: Array,
    v: Array,
    size: int,
) -> Array:
    """Returns the texture direction of every pixel, as a smooth field."""
    angle = table.angle[region] + 0.35 * value_noise(rng, size, 5)
    tangent = np.arctan2(v * table.radius_y[region], u * table.radius_x[region])
    tangent += np.pi / 2
    follow = table.follow[region]
    # Directions repeat every half turn; therefore doubled angles are mixed.
    sine = (1 - follow) * np.sin(2 * angle) + follow * np.sin(2 * tangent)
    cosine = (1 - follow) * np.cos(2 * angle) + follow * np.cos(2 * tangent)
    return np.arctan2(soften(sine, 4), soften(cosine, 4)) / 2


def _edges(region: Array, lit: Array, depth: Array) -> Array:
    """Returns how visible the outline through each pixel is, 0 to 1."""
    size = len(region)
    extent = np.sqrt(np.bincount(region.ravel())) / size
    # Small shapes, such as window panes, get thinner lines than a house.
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
