"""Techniques that several styles share: strokes, dots, lines, grounds.

Colours are float32 RGB in [0, 1]; lengths are pixels of the canvas. Strokes
and dots are sample points scattered into the canvas. The last point of a pixel
stays on top, so that one NumPy assignment paints a thousand strokes.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from keras_artkd.datasets.atelier.fields import soften, value_noise
from keras_artkd.types import Array

# --- colour ----------------------------------------------------------------


def luma(rgb: Array) -> Array:
    """Returns the brightness of `(..., 3)` colours: `(...)`."""
    # A matrix product might round differently on another machine.
    return 0.3 * rgb[..., 0] + 0.59 * rgb[..., 1] + 0.11 * rgb[..., 2]


def saturate(rgb: Array, amount: float) -> Array:
    """Moves colours away from grey by a factor; below 1 towards it."""
    grey = luma(rgb)[..., None]
    return np.clip(grey + (rgb - grey) * amount, 0, 1)


def turn_hue(rgb: Array, turns: npt.ArrayLike) -> Array:
    """Rotates colours about the grey axis by `turns` of a circle.

    Args:
        rgb: `(..., 3)` colours.
        turns: a number, or one for each colour, `(...)`.
    """
    theta = 2 * np.pi * np.asarray(turns, "float32")[..., None]
    grey = rgb.mean(axis=-1, keepdims=True)
    cross = (np.roll(rgb, 1, -1) - np.roll(rgb, -1, -1)) / np.sqrt(3)
    # Rodrigues: the part along grey stays, the rest turns.
    turned = grey + (rgb - grey) * np.cos(theta) + cross * np.sin(theta)
    return np.clip(turned, 0, 1).astype("float32")


def expose(rgb: Array, brightness: float) -> Array:
    """Lifts a dark picture to a mean brightness; leaves a bright one."""
    mean = max(float(luma(rgb).mean()), 0.02)
    power = np.log(brightness) / np.log(min(mean, brightness))
    return np.clip(rgb, 0, 1) ** np.float32(power)


def mix(first: Array, second: npt.ArrayLike, share: npt.ArrayLike) -> Array:
    """Mixes a `share`, a number or `(h, w)`, of `second` into `first`."""
    share = np.asarray(share, "float32")
    if share.ndim == 2:
        share = share[..., None]
    return first + (np.asarray(second, "float32") - first) * share


def flatten(rgb: Array, region: Array, bands: Array | None = None) -> Array:
    """Gives each region, or region and band of tone, its mean colour."""
    key = region if bands is None else region * 4 + bands
    key = key.ravel()
    count = np.maximum(np.bincount(key), 1)
    means = [
        np.bincount(key, weights=rgb[..., c].ravel()) / count for c in range(3)
    ]
    return np.stack(means, -1).astype("float32")[key].reshape(rgb.shape)


# --- marks -----------------------------------------------------------------


def scatter(
    rng: np.random.Generator, size: int, spacing: float, jitter: float = 0.9
) -> tuple[Array, Array]:
    """Draws points on a jittered grid in random order: x and y, `(n,)` each."""
    n = max(2, round(size / spacing))
    grid = (np.mgrid[0:n, 0:n].reshape(2, -1).T + 0.5) * (size / n)
    grid += rng.uniform(-0.5, 0.5, grid.shape) * jitter * size / n
    grid = rng.permutation(grid).astype("float32")
    return grid[:, 0], grid[:, 1]


def pick(field: Array, x: Array, y: Array) -> Array:
    """Returns the field's values under the points."""
    size = len(field)
    column = np.clip(x.astype("int32"), 0, size - 1)
    row = np.clip(y.astype("int32"), 0, size - 1)
    return field[row, column]


def flow(
    angle: Array,
    x: Array,
    y: Array,
    length: float,
    step: float = 0.75,
    heading: Array | None = None,
) -> Array:
    """Makes paths of `length` that follow a direction field.

    Args:
        angle: `(size, size)` directions, radians; half turns mean the same.
        x: `(n,)` middles of the paths, likewise `y`.
        y: see `x`.
        length: pixels.
        step: distance between the samples of a path.
        heading: optional `(n,)` fixed directions, instead of the field.

    Returns:
        xs, ys, dx, dy: `(n, samples)`: the points and unit directions.
    """
    samples = max(3, int(np.ceil(length / step)))
    cosine, sine = np.cos(angle), np.sin(angle)
    if heading is None:
        dx, dy = pick(cosine, x, y), pick(sine, x, y)
    else:
        dx, dy = np.cos(heading), np.sin(heading)
    x, y = x - dx * length / 2, y - dy * length / 2
    out = np.empty((4, samples, len(x)), "float32")
    for k in range(samples):
        out[:, k] = x, y, dx, dy
        if heading is None and k % 2 == 0:
            nx, ny = pick(cosine, x, y), pick(sine, x, y)
            sign = np.where(nx * dx + ny * dy < 0, -1, 1)
            dx, dy = 0.5 * dx + 0.5 * sign * nx, 0.5 * dy + 0.5 * sign * ny
            norm = np.sqrt(dx * dx + dy * dy) + 1e-6
            dx, dy = dx / norm, dy / norm
        x, y = x + dx * step, y + dy * step
    return out.transpose(0, 2, 1)


def lay(
    canvas: Array,
    relief: Array | None,
    paths: Array,
    width: npt.ArrayLike,
    colours: Array,
    rng: np.random.Generator,
    bristle: float = 0.12,
    ragged: float = 0.3,
) -> Array:
    """Lays opaque brush strokes, the later over the earlier, in place.

    Args:
        canvas: `(size, size, 3)` to paint on.
        relief: `(size, size)` thickness of the paint, or None.
        paths: what `flow` returns for n strokes.
        width: pixels, a number or `(n,)`.
        colours: `(n, 3)`.
        rng: for the hairs of the brush.
        bristle: difference of tone between hairs.
        ragged: share of the stroke over which hairs run dry.

    Returns:
        `(size, size)` bool: what was painted.
    """
    xs, ys, dx, dy = paths
    n, samples = xs.shape
    size = len(canvas)
    width = np.broadcast_to(np.asarray(width, "float32"), (n,))
    lanes = max(2, int(np.ceil(width.max() / 0.75)))
    across = np.linspace(-0.5, 0.5, lanes, dtype="float32")
    # Each hair begins and ends at its own place. The outer ones begin later and
    # end sooner, which rounds the ends.
    dry = ragged * rng.random((n, lanes), "float32")
    dry = dry + 0.5 * (2 * across) ** 4 * min(1.0, lanes / samples)
    along = np.abs(np.linspace(-1, 1, samples, dtype="float32"))
    offset = across * width[:, None]
    column = xs[:, :, None] - dy[:, :, None] * offset[:, None, :]
    row = ys[:, :, None] + dx[:, :, None] * offset[:, None, :]
    column, row = column.astype("int32"), row.astype("int32")
    kept = along[None, :, None] <= 1 - dry[:, None, :]
    kept &= (column >= 0) & (column < size) & (row >= 0) & (row < size)
    where = np.where(kept, row * size + column, size * size).ravel()
    top: Array = np.full(size * size + 1, -1, "int32")
    top[where] = np.arange(len(where), dtype="int32")
    top = top[:-1].reshape(size, size)
    painted = top >= 0
    top = top[painted]
    stroke, lane = top // (samples * lanes), top % lanes
    hairs = rng.standard_normal((n, lanes), "float32")
    hair = hairs[stroke, lane]
    tone = 1 + bristle * hair
    canvas[painted] = np.clip(colours[stroke] * tone[:, None], 0, 1)
    if relief is not None:
        body = 1 - (2 * across[lane]) ** 2 + 0.35 * hair
        relief[painted] = 0.35 * relief[painted] + body
    return painted


def dots(
    canvas: Array, x: Array, y: Array, radius: npt.ArrayLike, colours: Array
) -> Array:
    """Lays opaque round dots, the later over the earlier, in place."""
    size = len(canvas)
    radius = np.broadcast_to(np.asarray(radius, "float32"), x.shape)
    reach = int(np.ceil(radius.max()))
    oy, ox = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    inside = ox * ox + oy * oy <= (reach + 0.5) ** 2
    ox, oy = ox[inside], oy[inside]
    column = x.astype("int32")[:, None] + ox
    row = y.astype("int32")[:, None] + oy
    kept = ox * ox + oy * oy <= radius[:, None] ** 2
    kept &= (column >= 0) & (column < size) & (row >= 0) & (row < size)
    where = np.where(kept, row * size + column, size * size).ravel()
    top: Array = np.full(size * size + 1, -1, "int32")
    top[where] = np.repeat(np.arange(len(x), dtype="int32"), len(ox))
    top = top[:-1].reshape(size, size)
    painted = top >= 0
    canvas[painted] = colours[top[painted]]
    return painted


def impasto(
    canvas: Array,
    relief: Array,
    light: tuple[float, float, float],
    strength: float,
) -> Array:
    """Lights the ridges of thick paint from the side of the light."""
    slope = np.zeros_like(relief)
    sx, sy = (1 if light[0] < 0 else -1), 1
    slope[1:-1, 1:-1] = (
        relief[1:-1, 1:-1] - np.roll(relief, (sy, sx), (0, 1))[1:-1, 1:-1]
    )
    return np.clip(
        canvas * (1 + strength * np.clip(slope, -1, 1))[..., None], 0, 1
    )


def warp(field: Array, dx: Array, dy: Array) -> Array:
    """Returns the field seen through displacements in pixels."""
    size = len(field)
    row, column = np.mgrid[0:size, 0:size]
    row = np.clip(row + dy.astype("int32"), 0, size - 1)
    column = np.clip(column + dx.astype("int32"), 0, size - 1)
    return field[row, column]


def contour(
    edge: Array,
    width: float,
    rng: np.random.Generator,
    threshold: float = 0.25,
    loose: float = 0.0,
    vary: float = 0.5,
) -> Array:
    """Draws outlines in ink, `(size, size)` in [0, 1].

    Args:
        edge: the raster's edge map.
        width: of the line, pixels.
        rng: for the hand that draws.
        threshold: weaker edges are left out.
        loose: how far the hand deviates from the edge, pixels.
        vary: swelling of the line along its way, 0 to 1.
    """
    size = len(edge)
    if loose:
        edge = warp(
            edge,
            loose * value_noise(rng, size, 5, 2),
            loose * value_noise(rng, size, 5, 2),
        )
    mask = Image.fromarray(((edge > threshold) * 255).astype("uint8"))
    blurred = mask.filter(ImageFilter.GaussianBlur(width / 2))
    ink = np.asarray(blurred, "float32") / 255
    # A one pixel line blurred by sigma peaks at 0.4 / sigma.
    peak = 0.4 / max(width / 2, 0.6)
    level = peak * (0.6 + 0.4 * vary * value_noise(rng, size, 7))
    return np.clip((ink - level) / (0.25 * peak) + 0.5, 0, 1)


def streaks(
    rng: np.random.Generator, angle: Array, length: float, coarse: int = 1
) -> Array:
    """Draws noise along a direction field: brush hairs, hatching, grain.

    Returns:
        `(size, size)` float32, zero mean, unit spread.
    """
    size = len(angle)
    noise = rng.standard_normal((size // coarse + 1,) * 2, "float32")
    if coarse > 1:
        noise = noise.repeat(coarse, 0).repeat(coarse, 1)
    noise = noise[:size, :size]
    row, column = np.mgrid[0:size, 0:size].astype("float32")
    cosine = np.cos(angle).astype("float32")
    sine = np.sin(angle).astype("float32")
    total = np.zeros((size, size), "float32")
    steps = np.linspace(-length / 2, length / 2, 9)
    flat = noise.ravel()
    for step in steps:
        r = np.clip(row + step * sine, 0, size - 1).astype("int32")
        c = np.clip(column + step * cosine, 0, size - 1).astype("int32")
        total += flat[r * size + c]
    return total / 3


# --- grounds and surfaces --------------------------------------------------


def weave(rng: np.random.Generator, size: int, pitch: float) -> Array:
    """Draws the threads of a canvas: `(size, size)` in about [-1, 1]."""
    t = np.arange(size, dtype="float32") * (2 * np.pi / pitch)
    threads = np.sin(t)[:, None] * np.sin(t)[None, :]
    return threads * (0.7 + 0.3 * value_noise(rng, size, 12))


def paper(rng: np.random.Generator, size: int) -> Array:
    """Draws the tooth of a rough paper: `(size, size)` in about [-1, 1]."""
    fine = rng.standard_normal((size, size), "float32")
    return 0.5 * soften(fine, 2.0) * 1.5 + 0.5 * value_noise(rng, size, 40)


def cracks(
    rng: np.random.Generator, size: int, cells: float, width: float = 0.05
) -> Array:
    """Draws craquelure: `(size, size)` in [0, 1], 1 in the cracks."""
    total = np.zeros((size, size), "float32")
    for scale in (1.0, 1.7):
        noise = value_noise(rng, size, cells * scale, 2)
        total = np.maximum(total, 1 - np.abs(noise) / width)
    where = value_noise(rng, size, 4) > -0.25
    return np.clip(total, 0, 1) * where


def varnish(
    canvas: Array, rng: np.random.Generator, tone: Array, amount: float
) -> Array:
    """Adds an old coat that tints in patches and darkens the corners."""
    size = len(canvas)
    t = np.linspace(-1, 1, size, dtype="float32")
    corner = (t[:, None] ** 2 + t[None, :] ** 2) / 2
    coat = amount * (0.6 + 0.5 * corner + 0.2 * value_noise(rng, size, 4))
    return canvas * mix(np.ones(3, "float32"), tone, coat)


def gold_leaf(rng: np.random.Generator, size: int, tone: Array) -> Array:
    """Draws gold in square leaves over red bole, a little worn."""
    pitch = size / rng.integers(5, 8)
    t = (np.arange(size) + rng.uniform(0, pitch)) / pitch
    leaf = t.astype(int)
    shine = rng.uniform(0.85, 1.1, (leaf.max() + 1,) * 2).astype("float32")
    shine = shine[leaf][:, leaf]
    seam = np.minimum(t % 1, 1 - t % 1).astype("float32") * pitch < size / 150
    seam = seam[:, None] | seam[None, :]
    glow = (
        1 + 0.22 * value_noise(rng, size, 3) + 0.1 * value_noise(rng, size, 30)
    )
    gold = tone * (shine * glow)[..., None]
    worn = value_noise(rng, size, 9, 3) > 0.85
    bole = np.array([0.55, 0.22, 0.14], "float32")
    return mix(gold, bole, 0.22 * seam + 0.6 * worn)


def halftone(tone: Array, pitch: float, angle: float) -> Array:
    """Draws a screen of soft dots in [0, 1] whose area follows `tone`."""
    size = len(tone)
    row, column = np.mgrid[0:size, 0:size].astype("float32")
    u = (column * np.cos(angle) + row * np.sin(angle)) / pitch
    v = (row * np.cos(angle) - column * np.sin(angle)) / pitch
    u, v = u - np.round(u), v - np.round(v)
    distance = np.sqrt(u * u + v * v)
    radius = 0.75 * np.sqrt(np.clip(tone, 0, 1))
    return np.clip((radius - distance) * pitch + 0.5, 0, 1)


def facets(
    rng: np.random.Generator, size: int, count: int
) -> tuple[Array, Array, Array]:
    """Splits the plane by random lines.

    Returns:
        cell: `(size, size)` int32 numbers of the facets.
        border: distance to the nearest line, pixels.
        ramps: `(count, size, size)` signed distances to each line.
    """
    row, column = np.mgrid[0:size, 0:size].astype("float32")
    turn = np.pi * (np.arange(count) / count + rng.uniform(0, 0.6, count))
    px, py = rng.uniform(0.2, 0.8, (2, count)) * size
    ramps = np.stack(
        [
            (column - px[k]) * np.cos(turn[k]) + (row - py[k]) * np.sin(turn[k])
            for k in range(count)
        ]
    ).astype("float32")
    cell = np.zeros((size, size), "int32")
    for ramp in ramps:
        cell = cell * 2 + (ramp > 0)
    _, cell = np.unique(cell, return_inverse=True)
    cell = cell.reshape(size, size).astype("int32")
    return cell, np.abs(ramps).min(axis=0), ramps
