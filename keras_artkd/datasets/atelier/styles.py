"""One function a style: a scene's raster in, a painting out.

Every renderer takes the `Raster` of a scene and a random generator, which
jitters the size of its marks, the strength of its palette and the tone of its
ground, and returns float RGB `(size, size, 3)`. What a style may not do is
look at anything but the raster: the scene says nothing about the style.
"""

import numpy as np
from PIL import Image

from . import brushes as b
from .scene import hsv_to_rgb, raster_of, soften, value_noise


def _rgb(*values):
    return np.array(values, "float32")


def _unit(raster):
    """One unit of length: a 192nd of the canvas."""
    return len(raster.lit) / 192


def _colours_at(image, x, y, rng, spread):
    """Colours under the points, each a little off."""
    colours = b.pick(image, x, y)
    shift = rng.normal(0, spread, colours.shape).astype("float32")
    return np.clip(colours + shift, 0, 1)


def _ground(size, tone):
    return np.broadcast_to(tone, (size, size, 3)).astype("float32").copy()


def _disc(size, x, y):
    """Distance of every pixel from the point, 1 is the canvas's width."""
    t = (np.arange(size, dtype="float32") + 0.5) / size
    return np.sqrt((t[None, :] - x) ** 2 + (t[:, None] - y) ** 2)


# --- oil, tempera, gold ----------------------------------------------------


def baroque(raster, rng):
    """Dark ground, one strong light, smooth modelling, a warm glaze."""
    size, s = len(raster.lit), _unit(raster)
    ground = hsv_to_rgb(
        (
            rng.uniform(0.02, 0.14),
            rng.uniform(0.25, 0.65),
            rng.uniform(0.08, 0.2),
        )
    )
    gain = rng.uniform(1.15, 1.6)
    form = np.clip(raster.shade, 0.2, 1.5) ** rng.uniform(1.2, 1.8)
    paint = np.clip(raster.lit * gain * form[..., None] ** 0.5, 0, 1)
    x, y = raster.focus
    reach = rng.uniform(0.28, 0.42)
    spot = np.exp(-((_disc(size, x, y) / reach) ** 2) / 2)
    # The beam comes in from the light's side, over the shoulder.
    t = (np.arange(size, dtype="float32") + 0.5) / size
    across = (t[None, :] - x) * raster.light[1]
    across = across - (t[:, None] - y) * raster.light[0]
    beam = np.exp(-((across / 0.2) ** 2)) * (t[:, None] < y + 0.1)
    lamp = np.clip(spot + 0.3 * beam + 0.08 * value_noise(rng, size, 4), 0, 1)
    lamp = lamp ** rng.uniform(0.8, 1.4)
    lamp = lamp * (1 - 0.45 * raster.backdrop * rng.uniform(0.3, 1.2))
    paint = b.mix(ground * (0.6 + 0.8 * b.luma(paint))[..., None], paint, lamp)
    paint = b.mix(paint, soften(paint, 3 * s), 0.6)
    hairs = b.streaks(rng, raster.angle, 14 * s)
    paint = paint * (1 + 0.035 * hairs * (0.3 + lamp))[..., None]
    paint = b.varnish(paint, rng, _rgb(0.95, 0.78, 0.5), rng.uniform(0.1, 0.7))
    return paint * (1 - 0.25 * b.cracks(rng, size, 12, 0.03))[..., None]


def renaissance(raster, rng):
    """Even light, sfumato edges, blue distance, tempera hatching."""
    size, s = len(raster.lit), _unit(raster)
    paint = b.expose(raster.lit, rng.uniform(0.32, 0.42))
    paint = b.saturate(paint, rng.uniform(1.0, 1.3))
    # Sfumato: turning forms lose their edges, far ones more than near ones.
    smoke = soften(paint, rng.uniform(5, 8) * s)
    veil = np.clip(0.15 + 0.55 * raster.depth, 0, 0.7)
    paint = b.mix(paint, smoke, veil)
    air = hsv_to_rgb(
        (
            rng.uniform(0.45, 0.6),
            rng.uniform(0.1, 0.35),
            rng.uniform(0.55, 0.85),
        )
    )
    paint = b.mix(paint, air, rng.uniform(0.15, 0.4) * raster.depth**2)
    grey = b.luma(paint)[..., None]
    earth = hsv_to_rgb((rng.uniform(0.07, 0.13), 0.45, 1.0))
    paint = b.mix(paint, grey * earth * 1.1, rng.uniform(0.05, 0.3))
    paint = 0.04 + 0.96 * paint ** rng.uniform(0.9, 1.2)
    hatch = b.streaks(rng, raster.angle + 0.5, 9 * s)
    paint = paint * (1 + 0.03 * hatch)[..., None]
    paint = b.varnish(paint, rng, _rgb(0.92, 0.85, 0.6), rng.uniform(0.1, 0.5))
    worn = b.cracks(rng, size, rng.uniform(14, 20), 0.035)
    return paint * (1 - 0.2 * worn)[..., None]


def byzantine(raster, rng):
    """Gold leaf behind flat robes, dark contours, white lights, cracks."""
    size, s = len(raster.lit), _unit(raster)
    gold = hsv_to_rgb(
        (rng.uniform(0.1, 0.14), rng.uniform(0.45, 0.7), rng.uniform(0.7, 0.92))
    )
    leaf = b.gold_leaf(rng, size, gold)
    bands = np.digitize(raster.shade, (0.82, 1.06)).astype("int32")
    robes = b.flatten(b.expose(raster.lit, 0.3), raster.region, bands)
    robes = b.saturate(robes, rng.uniform(0.9, 1.5))
    earth = b.luma(robes)[..., None] * _rgb(1.0, 0.75, 0.5)
    robes = b.mix(robes, earth, rng.uniform(0.1, 0.4))
    behind = np.clip(raster.backdrop + (raster.depth > 0.82), 0, 1)
    paint = b.mix(robes, leaf, behind)
    # Lights are drawn, not modelled: fine pale lines where form turns up.
    comb = b.streaks(rng, raster.angle, 16 * s)
    lights = (comb > 0.7) * (bands == 2) * (1 - behind)
    paint = b.mix(paint, _rgb(0.98, 0.92, 0.75), 0.5 * lights)
    distance = _disc(size, *raster.focus)
    radius = rng.uniform(0.25, 0.31)
    ring = np.abs(distance - radius) * size < 1.6 * s
    beads = np.sin(
        np.arctan2(*np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]) * 40
    )
    ring = ring & (beads > -0.5)
    paint = b.mix(paint, _rgb(0.45, 0.15, 0.1), 0.7 * ring * behind)
    line = b.contour(raster.edge, rng.uniform(1.8, 2.8) * s, rng, 0.3)
    paint = b.mix(paint, _rgb(0.16, 0.07, 0.05), 0.85 * line)
    frame = _frame(size, max(0.0, rng.uniform(-0.02, 0.05)))
    paint = b.mix(paint, hsv_to_rgb((rng.uniform(0, 0.03), 0.75, 0.5)), frame)
    worn = b.cracks(rng, size, rng.uniform(9, 14), 0.05)
    paint = paint * (1 - 0.45 * worn)[..., None]
    return b.varnish(paint, rng, _rgb(0.8, 0.65, 0.4), rng.uniform(0.1, 0.6))


def _frame(size, width):
    """1 in a border of this share of the canvas."""
    t = (np.arange(size) + 0.5) / size
    edge = np.minimum(t, 1 - t)
    return (np.minimum(edge[:, None], edge[None, :]) < width).astype("float32")


# --- broken colour ---------------------------------------------------------


def impressionism(raster, rng):
    """Broken strokes that follow form, a light palette, ground in the gaps."""
    size, s = len(raster.lit), _unit(raster)
    target = b.expose(raster.lit, rng.uniform(0.34, 0.46))
    dark = np.clip(1.1 - raster.shade, 0, 1)
    target = b.mix(target, target * _rgb(0.8, 0.78, 1.15), dark)
    target = b.saturate(target, rng.uniform(1.0, 1.35))
    ground = hsv_to_rgb(
        (rng.random(), rng.uniform(0.05, 0.3), rng.uniform(0.55, 0.92))
    )
    canvas = _ground(size, ground)
    relief = np.zeros((size, size), "float32")
    scale = rng.uniform(0.85, 1.3) * s
    angle = raster.angle + rng.normal(0, 0.15)
    for spacing, length, width, spread in (
        (7.5, 20, 8, 0.04),
        (4.6, 12, 4.2, 0.065),
    ):
        x, y = b.scatter(rng, size, spacing * scale, 1.3)
        colours = _colours_at(target, x, y, rng, spread)
        paths = b.flow(angle, x, y, length * scale)
        wide = width * scale * rng.uniform(0.7, 1.15, len(x))
        b.lay(canvas, relief, paths, wide, colours, rng, 0.07)
    # Small accents where there is something to see.
    x, y = b.scatter(rng, size, 3.4 * scale)
    busy = soften(raster.edge, 3 * s)
    keep = b.pick(busy, x, y) > rng.uniform(0.03, 0.35, len(x))
    x, y = x[keep], y[keep]
    if len(x):
        colours = _colours_at(target, x, y, rng, 0.05)
        b.lay(
            canvas,
            relief,
            b.flow(angle, x, y, 6.5 * scale),
            2.6 * scale,
            colours,
            rng,
            0.05,
        )
    return b.impasto(canvas, relief, raster.light, 0.14)


def pointillism(raster, rng):
    """Dots of divided colour on a ground: the eye does the mixing."""
    size, s = len(raster.lit), _unit(raster)
    target = raster.lit ** rng.uniform(0.75, 1.0)
    target = b.saturate(target, rng.uniform(1.05, 1.4))
    ground = hsv_to_rgb(
        (rng.random(), rng.uniform(0.05, 0.35), rng.uniform(0.5, 0.95))
    )
    canvas = b.mix(_ground(size, ground), soften(target, 6 * s), 0.45)
    scale = rng.uniform(0.85, 1.25) * s
    contrast = rng.uniform(0.6, 1.1)
    for spacing, radius in ((4.0, 2.1), (4.4, 1.9)):
        x, y = b.scatter(rng, size, spacing * scale, 0.75)
        colours = _colours_at(target, x, y, rng, 0.03)
        # Neighbours on the colour circle, and here and there the complement.
        turns = rng.choice(
            [-0.11, -0.06, 0.0, 0.06, 0.11, 0.5],
            len(x),
            p=[0.2, 0.2, 0.12, 0.2, 0.2, 0.08],
        )
        vivid = b.saturate(colours, 1 + 0.7 * contrast)
        colours = b.turn_hue(vivid, turns * contrast)
        tone = 1 + 0.16 * contrast * rng.standard_normal(len(x), "float32")
        colours = np.clip(colours * tone[:, None], 0, 1)
        b.dots(
            canvas,
            x,
            y,
            radius * scale * rng.uniform(0.8, 1.2, len(x)),
            colours,
        )
    return canvas


def expressionism(raster, rng):
    """Long swirling strokes of thick paint in strained colours."""
    size, s = len(raster.lit), _unit(raster)
    target = b.turn_hue(
        b.expose(raster.lit, 0.32),
        rng.normal(0, 0.05) + 0.07 * value_noise(rng, size, 3),
    )
    grey = b.luma(target)[..., None]
    target = np.clip(grey + (target - grey) * rng.uniform(1.4, 2.0), 0, 1)
    target = np.clip(0.5 + (target - 0.48) * rng.uniform(1.1, 1.4), 0.02, 1)
    # Everything is drawn into a few vortices; the subject is one of them.
    angle = raster.angle + rng.uniform(0.5, 0.9) * value_noise(rng, size, 4)
    centres = [raster.focus, rng.uniform(0.05, 0.45, 2), rng.random(2)]
    sine, cosine = np.sin(2 * angle), np.cos(2 * angle)
    row, column = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j].astype(
        "float32"
    )
    for k, (cx, cy) in enumerate(centres):
        swirl = np.arctan2(row - cy, column - cx) + 1.35
        pull = np.exp(-((row - cy) ** 2 + (column - cx) ** 2) / 0.04)
        pull = pull * (0.6 if k == 0 else 1.6) * (0.25 + 0.75 * raster.depth)
        sine, cosine = (
            sine + pull * np.sin(2 * swirl),
            cosine + pull * np.cos(2 * swirl),
        )
    angle = np.arctan2(sine, cosine) / 2
    ground = hsv_to_rgb((rng.random(), 0.5, rng.uniform(0.1, 0.5)))
    canvas = _ground(size, ground)
    relief = np.zeros((size, size), "float32")
    scale = rng.uniform(0.9, 1.25) * s
    for spacing, length, width in ((8.5, 30, 9), (5.8, 22, 4.6)):
        x, y = b.scatter(rng, size, spacing * scale, 1.2)
        colours = _colours_at(target, x, y, rng, 0.055)
        colours = colours * rng.uniform(0.78, 1.15, (len(x), 1))
        b.lay(
            canvas,
            relief,
            b.flow(angle, x, y, length * scale),
            width * scale,
            colours.astype("float32"),
            rng,
            0.13,
            0.25,
        )
    line = b.contour(raster.edge, 2.6 * s, rng, 0.45, 3 * s, 0.9)
    ink = hsv_to_rgb((rng.uniform(0.55, 0.75), 0.7, rng.uniform(0.08, 0.25)))
    canvas = b.mix(canvas, ink, line * rng.uniform(0.35, 0.8))
    return b.impasto(canvas, relief, raster.light, rng.uniform(0.22, 0.32))


def fauvism(raster, rng):
    """Wild flat colour in loose patches between slack dark contours."""
    size, s = len(raster.lit), _unit(raster)
    labels = [shape.label for shape in raster.shapes]
    kinds = {k: i for i, k in enumerate(dict.fromkeys(labels))}
    turn = rng.normal(0, 0.13, len(kinds))
    hue = turn[[kinds[k] for k in labels]] + rng.normal(0, 0.03, len(labels))
    bands = np.digitize(raster.shade, (0.85,)).astype("int32")
    flat = b.flatten(b.expose(raster.lit, 0.42), raster.region, bands)
    flat = b.turn_hue(flat, hue[raster.region])
    # Shadows change their colour, not their tone.
    flat = np.where(
        (bands == 0)[..., None],
        b.turn_hue(flat, rng.uniform(0.15, 0.4)) * 1.1,
        flat,
    )
    flat = b.saturate(
        np.clip(flat ** rng.uniform(0.6, 0.9), 0, 1), rng.uniform(1.6, 2.3)
    )
    canvas = _ground(size, hsv_to_rgb((0.11, rng.uniform(0.05, 0.25), 0.94)))
    scale = rng.uniform(0.9, 1.3) * s
    relief = np.zeros((size, size), "float32")
    slack = 3 * s
    flat = b.warp(
        flat,
        slack * value_noise(rng, size, 6),
        slack * value_noise(rng, size, 6),
    )
    x, y = b.scatter(rng, size, 7 * scale, 1.1)
    colours = _colours_at(flat, x, y, rng, 0.035)
    b.lay(
        canvas,
        relief,
        b.flow(raster.angle, x, y, 17 * scale),
        9 * scale,
        colours,
        rng,
        0.04,
        0.2,
    )
    near = soften(raster.edge, 2.5 * s)
    x, y = b.scatter(rng, size, 4 * scale)
    keep = b.pick(near, x, y) > 0.12
    x, y = x[keep], y[keep]
    if len(x):
        colours = _colours_at(flat, x, y, rng, 0.03)
        b.lay(
            canvas,
            relief,
            b.flow(raster.angle, x, y, 8 * scale),
            4 * scale,
            colours,
            rng,
            0.04,
            0.2,
        )
    line = b.contour(raster.edge, rng.uniform(1.8, 3) * s, rng, 0.4, 3 * s, 0.9)
    ink = hsv_to_rgb(
        (rng.choice([0.62, 0.38, 0.95, 0.7]), 0.75, rng.uniform(0.12, 0.35))
    )
    canvas = b.mix(canvas, ink, 0.9 * line)
    return b.impasto(canvas, relief, raster.light, 0.08)


# --- facets and gestures ---------------------------------------------------


def cubism(raster, rng):
    """Facets, each with its own view of the subject, in a muted palette."""
    size, s = len(raster.lit), _unit(raster)
    count = int(rng.integers(6, 9))
    cell, border, ramps = b.facets(rng, size, count)
    cells = cell.max() + 1
    number = np.maximum(np.bincount(cell.ravel(), minlength=cells), 1)
    row, column = np.mgrid[0:size, 0:size].astype("float32")
    cy = np.bincount(cell.ravel(), row.ravel()) / number
    cx = np.bincount(cell.ravel(), column.ravel()) / number
    turn = rng.normal(0, 0.22, cells)
    zoom = rng.uniform(0.8, 1.2, cells)
    shift = rng.normal(0, 0.035, (2, cells)) * size
    a, c = (zoom * np.cos(turn))[cell], (zoom * np.sin(turn))[cell]
    dx, dy = column - cx[cell], row - cy[cell]
    from_x = cx[cell] + shift[0][cell] + a * dx - c * dy
    from_y = cy[cell] + shift[1][cell] + c * dx + a * dy
    view = b.pick(raster.lit, from_x, from_y)
    lines = b.pick(raster.edge, from_x, from_y)
    tone = b.luma(view)
    spread = max(float(tone.std()), 0.05)
    tone = 0.5 + (tone - tone.mean()) * (0.24 / spread)
    tone = np.clip(tone, 0, 1)[..., None]
    hue = rng.uniform(0.05, 0.2)
    low = hsv_to_rgb((hue + rng.uniform(-0.1, 0.45), 0.35, 0.15))
    high = hsv_to_rgb((hue, rng.uniform(0.12, 0.4), 0.92))
    muted = low + (high - low) * tone
    paint = b.mix(muted, b.expose(view, 0.4), rng.uniform(0.1, 0.55))
    # Each facet is shaded off from one of its own sides.
    side = rng.integers(0, count, cells)[cell]
    slope = np.take_along_axis(ramps, side[None], axis=0)[0] / size
    slope = np.abs(slope) * 3.2
    sign = rng.choice([-1.0, 1.0], cells)[cell]
    fall = np.exp(-slope) - 0.5
    paint = paint * (1 + rng.uniform(0.5, 0.8) * sign * fall)[..., None]
    dabs = b.streaks(rng, np.zeros_like(border) + turn[cell], 9 * s, 3)
    paint = np.clip(paint * (1 + 0.05 * dabs)[..., None], 0, 1)
    drawn = b.contour(lines, 1.6 * s, rng, 0.4)
    paint = b.mix(paint, _rgb(0.1, 0.08, 0.07), 0.6 * drawn)
    seam = np.clip(1.4 - border / (1.1 * s), 0, 1)
    fade = np.clip(0.55 + 0.6 * value_noise(rng, size, 5), 0, 1)
    paint = b.mix(paint, _rgb(0.12, 0.1, 0.08), seam * fade)
    return paint * (1 + 0.04 * b.weave(rng, size, 4 * s))[..., None]


def abstract_expressionism(raster, rng):
    """The scene's colours thrown: gestures, drips and splatter."""
    size, s = len(raster.lit), _unit(raster)
    palette = b.saturate(raster.lit, rng.uniform(1.0, 1.5))
    raw = hsv_to_rgb((0.1, rng.uniform(0.03, 0.3), rng.uniform(0.45, 0.95)))
    canvas = (
        _ground(size, raw) * (1 + 0.05 * b.weave(rng, size, 4 * s))[..., None]
    )
    stain = np.clip(0.55 + 0.7 * value_noise(rng, size, 4), 0, 1)
    canvas = b.mix(canvas, soften(palette, 26 * s), stain)
    relief = np.zeros((size, size), "float32")
    angle = raster.angle + 1.4 * value_noise(rng, size, 2.5)
    for number, length, low, high in ((42, 70, 8, 18), (55, 45, 3, 8)):
        number = int(number * rng.uniform(0.7, 1.3))
        x, y = rng.uniform(0, size, (2, number)).astype("float32")
        colours = _colours_at(palette, x, y, rng, 0.07)
        wide = rng.uniform(low, high, number) * s
        b.lay(
            canvas,
            relief,
            b.flow(angle, x, y, length * s),
            wide,
            colours,
            rng,
            0.14,
            0.55,
        )
    # Poured lines: the hand turns steadily, the paint thins and thickens.
    number, steps = int(rng.integers(10, 26)), 150
    bend = rng.normal(0, 0.05, (steps, number)).cumsum(axis=0)
    bend += rng.normal(0, 0.025, number) * np.arange(steps)[:, None]
    heading = rng.uniform(0, 2 * np.pi, number) + bend
    x = rng.uniform(0, size, number) + (np.cos(heading) * 1.3 * s).cumsum(0)
    y = rng.uniform(0, size, number) + (np.sin(heading) * 1.3 * s).cumsum(0)
    thick = np.abs(rng.normal(0, 0.25, (steps, number)).cumsum(0)) * 0.35
    thick = np.clip(0.7 + thick, 0.6, 2.6) * s
    enamel = _colours_at(palette, *rng.uniform(0, size, (2, number)), rng, 0.1)
    shade = rng.choice([0.06, 0.95, -1.0], number)
    enamel = np.where(shade[:, None] < 0, enamel, shade[:, None])
    b.dots(
        canvas,
        x.ravel(),
        y.ravel(),
        thick.ravel(),
        np.tile(enamel, (steps, 1)).astype("float32"),
    )
    _drips(canvas, rng, palette, s)
    number = int(rng.integers(60, 240))
    x, y = rng.uniform(0, size, (2, number))
    colours = enamel[rng.integers(0, len(enamel), number)].astype("float32")
    b.dots(
        canvas,
        x,
        y,
        np.clip(rng.pareto(2.5, number) + 0.5, 0, 4.5) * s,
        colours,
    )
    return b.impasto(canvas, relief, raster.light, 0.16)


def _drips(canvas, rng, palette, s):
    """Thin runs of paint straight down."""
    size, number = len(canvas), int(rng.integers(6, 24))
    x, y = rng.uniform(0, size, (2, number)).astype("float32")
    colours = _colours_at(palette, x, y, rng, 0.05)
    down = np.full(number, np.pi / 2)
    paths = b.flow(np.zeros((2, 2)), x, y, 45 * s, heading=down)
    b.lay(
        canvas,
        None,
        paths,
        rng.uniform(1.2, 2.2, number) * s,
        colours,
        rng,
        0.03,
        0.6,
    )


# --- line and flat colour --------------------------------------------------


def ukiyo_e(raster, rng):
    """Woodblock print: key lines, flat inks, bokashi, paper and grain."""
    size, s = len(raster.lit), _unit(raster)
    bands = np.digitize(raster.shade, (0.78,)).astype("int32")
    lit = b.expose(raster.lit, 0.4)
    inks = b.flatten(lit, raster.region, bands)
    inks = b.mix(inks, b.flatten(lit, raster.region), 0.5)
    inks = b.saturate(inks, rng.uniform(0.7, 1.2))
    paper = hsv_to_rgb(
        (
            rng.uniform(0.09, 0.15),
            rng.uniform(0.06, 0.28),
            rng.uniform(0.82, 0.97),
        )
    )
    inks = inks * b.mix(np.ones(3, "float32"), paper, 0.7)
    print_ = b.mix(inks, paper, rng.uniform(0.1, 0.35))
    # Bokashi: the sky is wiped on the block, dark above, fading to paper.
    t = (np.arange(size, dtype="float32") + 0.5)[:, None] / size
    far = raster.depth > 0.9
    indigo = hsv_to_rgb(
        (
            rng.choice([0.6, 0.62, 0.98, 0.55]),
            rng.uniform(0.4, 0.8),
            rng.uniform(0.3, 0.7),
        )
    )
    wiped = np.exp(-t / rng.uniform(0.06, 0.2)) * np.ones((1, size), "float32")
    print_ = b.mix(print_, paper, 0.55 * far * np.clip(2.4 * t, 0, 1))
    print_ = b.mix(print_, indigo, 0.85 * wiped * (raster.backdrop > 0))
    water = np.array([shape.mirror > 0 for shape in raster.shapes])
    deep = np.clip((t - 0.6) / 0.4, 0, 1) * water[raster.region]
    print_ = b.mix(print_, indigo, 0.5 * deep)
    grain = np.sin(t * rng.uniform(110, 170) + 7 * value_noise(rng, size, 3))
    fibre = b.paper(rng, size)
    print_ = print_ * (1 + 0.03 * grain + 0.035 * fibre)[..., None]
    line = b.contour(
        raster.edge, rng.uniform(1.3, 2.0) * s, rng, 0.22, 0.8 * s, 0.8
    )
    key = hsv_to_rgb((0.63, 0.5, rng.uniform(0.08, 0.25)))
    # Colour blocks are never quite in register with the key block.
    off = int(round(rng.uniform(-1.2, 1.2) * s))
    print_ = b.mix(np.roll(print_, off, axis=1), key, 0.9 * line)
    print_ = b.mix(print_, paper, _frame(size, rng.choice([0.0, 0.025, 0.035])))
    if rng.random() < 0.5:
        x, y = rng.choice([0.07, 0.88]), rng.choice([0.06, 0.7])
        seal = np.zeros((size, size), "float32")
        top, left = int(y * size), int(x * size)
        seal[top : top + int(0.13 * size), left : left + int(0.055 * size)] = 1
        seal *= value_noise(rng, size, 50) > -0.45
        print_ = b.mix(print_, _rgb(0.72, 0.16, 0.1), 0.9 * seal)
    return print_


def art_nouveau(raster, rng):
    """Whiplash contours round muted flat tones, a halo and a vine border."""
    size, s = len(raster.lit), _unit(raster)
    cream = hsv_to_rgb(
        (
            rng.uniform(0.08, 0.16),
            rng.uniform(0.12, 0.35),
            rng.uniform(0.78, 0.95),
        )
    )
    lit = b.expose(raster.lit, 0.4)
    flat = b.mix(b.flatten(lit, raster.region), lit, 0.2)
    flat = b.saturate(flat, rng.uniform(0.5, 0.85))
    paint = b.mix(flat, cream, rng.uniform(0.2, 0.45))
    tone = hsv_to_rgb(
        (rng.uniform(0.05, 0.45), rng.uniform(0.2, 0.5), rng.uniform(0.5, 0.8))
    )
    x, y = raster.focus
    behind = (raster.depth > 0.82).astype("float32")
    distance = _disc(size, x, y)
    radius = rng.uniform(0.27, 0.38)
    t = np.linspace(0, 1, size, dtype="float32")
    spokes = np.arctan2(t[:, None] - y, t[None, :] - x)
    spokes = np.sin(spokes * rng.integers(10, 22)) > 0
    ring = (distance > radius * 0.8) & (distance < radius)
    paint = b.mix(paint, b.mix(paint, cream, 0.6), behind * (distance < radius))
    paint = b.mix(paint, tone, behind * ring * (0.45 + 0.4 * spokes))
    rim = np.abs(distance - radius) * size < s
    rim |= np.abs(distance - 0.8 * radius) * size < s
    edge = soften(raster.edge, 1.5)
    thin = b.contour(raster.edge, 1.3 * s, rng, 0.25, 1.5 * s, 0.7)
    cut = np.zeros_like(edge)
    step = raster.depth
    cut[:, 1:] = np.abs(np.diff(step, axis=1))
    cut[1:] = np.maximum(cut[1:], np.abs(np.diff(step, axis=0)))
    thick = b.contour(cut, rng.uniform(2.6, 3.8) * s, rng, 0.12, 1.5 * s, 0.9)
    line = np.maximum(np.maximum(0.75 * thin, thick), 0.8 * rim * behind)
    ink = hsv_to_rgb((rng.uniform(0.02, 0.4), 0.5, rng.uniform(0.12, 0.3)))
    paint = b.mix(paint, ink, line)
    if rng.random() < 0.65:
        paint = _vine_border(paint, rng, tone, cream, ink)
    return paint * (1 + 0.025 * b.paper(rng, size))[..., None]


def _vine_border(paint, rng, tone, cream, ink):
    """A frame with a climbing tendril and its leaves."""
    size = len(paint)
    width = rng.uniform(0.07, 0.1)
    t = (np.arange(size, dtype="float32") + 0.5) / size
    edge = np.minimum(t, 1 - t)
    inset = np.minimum(edge[:, None], edge[None, :]) / width
    sides = edge[None, :] < edge[:, None]
    along = np.where(sides, t[:, None], t[None, :])
    waves = rng.integers(4, 7)
    stem = 0.5 + 0.3 * np.sin(2 * np.pi * waves * along)
    vine = np.abs(inset - stem) < 0.11
    # A leaf in the hollow of each wave.
    u = (2 * waves * along) % 1 - 0.5
    v = inset - (1 - stem)
    leaf = (u * 2.6) ** 2 + (v * 3.2) ** 2 < 1
    band = inset < 1
    paint = b.mix(paint, b.mix(cream, tone, 0.45), band.astype("float32"))
    leafage = hsv_to_rgb((rng.uniform(0.15, 0.45), 0.4, 0.5))
    paint = b.mix(paint, leafage, (leaf & band).astype("float32"))
    rule = (np.abs(inset - 1) < 0.09) | (np.abs(inset - 0.06) < 0.06)
    return b.mix(paint, ink, (rule | (vine & band)) * 0.9)


def pop_art(raster, rng):
    """Printed comic: few loud inks, halftone dots, thick black lines."""
    s = _unit(raster)
    turn = rng.choice([0.0, 0.0, 0.08, 0.33, 0.6])
    inks = hsv_to_rgb(
        [
            (0.99, 0.85, 0.9),
            (0.14, 0.9, 0.98),
            (0.6, 0.85, 0.75),
            (0.5, 0.6, 0.9),
            (0.92, 0.5, 0.97),
            (0.33, 0.7, 0.65),
            (0, 0, 0.98),
            (0.07, 0.45, 0.98),
            (0, 0, 0.08),
            (0.62, 0.6, 0.3),
        ]
    )
    inks = b.turn_hue(inks, turn)
    bands = np.digitize(raster.shade, (0.85,)).astype("int32")
    flat = b.flatten(b.expose(raster.lit, 0.45), raster.region, bands)
    flat = b.saturate(flat, 2.2)
    # Nearest ink: the square of a difference, with the constant left out.
    score = (inks**2).sum(axis=1) - 2 * sum(
        flat[..., c, None] * inks[:, c] for c in range(3)
    )
    print_ = inks[score.argmin(axis=-1)]
    paper = hsv_to_rgb((0.13, rng.uniform(0.0, 0.25), rng.uniform(0.88, 1)))
    pitch = rng.uniform(5.5, 8.5) * s
    tone = np.clip(1.2 - b.luma(flat), 0.2, 0.75)
    screen = b.halftone(soften(tone, 4 * s), pitch, rng.uniform(0.2, 1.2))
    # Some inks are printed solid, the others as dots on the paper.
    kinds = rng.random(len(raster.shapes)) < rng.uniform(0.45, 0.8)
    dotted = kinds[raster.region] | (raster.backdrop > 0)
    base = np.where((rng.random() < 0.3), inks[1], paper)
    print_ = np.where(
        dotted[..., None], b.mix(print_, base, 1 - screen), print_
    )
    dark = b.halftone(np.clip(1.1 - 1.2 * raster.shade, 0, 0.45), pitch, 0.8)
    print_ = b.mix(print_, _rgb(0.05, 0.05, 0.08), dark)
    line = b.contour(raster.edge, rng.uniform(2.2, 3.4) * s, rng, 0.4, 0, 0.4)
    print_ = b.mix(print_, _rgb(0.03, 0.03, 0.05), line)
    return print_ * b.mix(np.ones(3, "float32"), paper, 0.6)


# --- water and ink ---------------------------------------------------------


def watercolour(raster, rng):
    """Transparent washes: wet edges, blooms, granulation, white paper."""
    size, s = len(raster.lit), _unit(raster)
    tooth = b.paper(rng, size)
    paper = hsv_to_rgb(
        (rng.uniform(0.08, 0.16), rng.uniform(0.0, 0.1), rng.uniform(0.92, 1.0))
    )
    dx = 2.2 * s * value_noise(rng, size, 7, 2)
    dy = 2.2 * s * value_noise(rng, size, 7, 2)
    lit = b.expose(raster.lit, 0.42)
    lit, edge = b.warp(lit, dx, dy), b.warp(raster.edge, dx, dy)
    wash = soften(lit, 1.8 * s)
    wet = np.clip(value_noise(rng, size, 4) * 1.5 + 0.2, 0, 1)
    wash = b.mix(wash, soften(lit, 10 * s), wet * rng.uniform(0.3, 0.7))
    wash = b.saturate(wash, rng.uniform(1.05, 1.5))
    density = rng.uniform(0.55, 0.95)
    flow = 1 + 0.35 * value_noise(rng, size, 6, 3)
    # Pigment gathers where a wash dries last: just inside its outline.
    rim = soften((edge > 0.2).astype("float32"), 2.2 * s)
    flow = flow + rng.uniform(0.5, 1.0) * np.clip(rim * 1.8, 0, 1) * (1 - wet)
    for _ in range(rng.integers(2, 6)):
        x, y, r = *rng.random(2), rng.uniform(0.06, 0.17)
        ring = _disc(size, x, y) / r + 0.35 * value_noise(rng, size, 9, 2)
        flow = flow - 0.45 * np.clip(1.3 * (1 - ring), 0, 1)
        flow = flow + 0.5 * np.exp(-(((ring - 1.05) / 0.07) ** 2))
    flow = flow + 0.16 * tooth
    # The highlights, and a little here and there, were never painted.
    light = np.clip((b.luma(lit) - rng.uniform(0.72, 0.9)) * 5, 0, 1)
    skip = (edge > 0.15) & (value_noise(rng, size, 12) > 0.55)
    skip = np.clip(2 * soften(skip.astype("float32"), 1.8 * s), 0, 1)
    edge_of_sheet = _margin(size, rng, rng.uniform(-0.03, 0.06))
    laid = np.clip(flow, 0.1, 2.2) * (1 - light) * (1 - 0.9 * skip)
    laid = (
        laid * edge_of_sheet
        + 0.5
        * np.clip(
            soften(edge_of_sheet, 3 * s)
            * (1 - soften(edge_of_sheet, 3 * s))
            * 4
            - 0.4,
            0,
            1,
        )
        * edge_of_sheet
    )
    pigment = np.clip(wash, 0.06, 1) ** (density * laid)[..., None]
    return paper * pigment * (1 + 0.025 * tooth)[..., None]


def _margin(size, rng, width):
    """1 where a sheet was painted, with a hand's uneven border."""
    t = (np.arange(size, dtype="float32") + 0.5) / size
    edge = np.minimum(t, 1 - t)
    edge = np.minimum(edge[:, None], edge[None, :])
    rough = 0.012 * value_noise(rng, size, 12, 3)
    return (edge + rough > width).astype("float32")


def ink_wash(raster, rng):
    """Gradations of one ink on silk, dry brush over wet, mist left blank."""
    size, s = len(raster.lit), _unit(raster)
    silk = hsv_to_rgb(
        (
            rng.uniform(0.06, 0.16),
            rng.uniform(0.03, 0.38),
            rng.uniform(0.72, 0.97),
        )
    )
    ink = hsv_to_rgb((rng.random(), rng.uniform(0.0, 0.35), 0.1))
    tone = np.clip(1 - b.luma(b.expose(raster.lit, 0.4)), 0, 1)
    local = b.flatten(tone[..., None].repeat(3, -1), raster.region)[..., 0]
    wash = 0.45 * soften(tone, 7 * s) + 0.55 * local
    wash = wash ** rng.uniform(1.2, 1.7)
    mist = np.clip(1.15 - raster.depth * rng.uniform(0.6, 0.9), 0.15, 1)
    cloud = np.clip(0.75 + 0.7 * value_noise(rng, size, 4, 2), 0.2, 1.1)
    density = wash * mist * cloud * rng.uniform(1.0, 1.5)
    density = density * (1 + 0.25 * value_noise(rng, size, 8, 3))
    density = soften(density, 2 * s)
    chroma = b.saturate(soften(raster.lit, 4 * s), 1.1)
    # Colour, where there is any, is a breath of it under the ink.
    tint = rng.choice([0.0, 0.25, 0.55])
    canvas = b.mix(_ground(size, silk), silk * (0.35 + 0.65 * chroma), tint)
    canvas = b.mix(canvas, ink, np.clip(density, 0, 0.92))
    # Dry brush: rough dark strokes along the near forms.
    scale = rng.uniform(0.9, 1.2) * s
    x, y = b.scatter(rng, size, 3.5 * scale)
    want = soften(raster.edge, 2 * s) * (1.1 - raster.depth)
    keep = b.pick(want, x, y) > rng.uniform(0.12, 0.5, len(x))
    x, y = x[keep], y[keep]
    if len(x):
        under = b.pick(canvas, x, y)
        depth = b.pick(raster.depth, x, y)[:, None]
        share = 0.8 - 0.56 * depth
        colours = under * 0.6 * (1 - share) + ink * share
        wide = rng.uniform(1.2, 3.6, len(x)) * scale
        b.lay(
            canvas,
            None,
            b.flow(raster.angle, x, y, 14 * scale),
            wide,
            colours,
            rng,
            0.2,
            0.8,
        )
    line = b.contour(raster.edge, 1.5 * s, rng, 0.35, 1.2 * s, 1.0)
    canvas = b.mix(canvas, ink, line * np.clip(1 - raster.depth, 0.1, 0.85))
    return canvas * (1 + 0.03 * b.paper(rng, size))[..., None]


_RENDERERS = {
    f.__name__: f
    for f in (
        abstract_expressionism,
        art_nouveau,
        baroque,
        byzantine,
        cubism,
        expressionism,
        fauvism,
        impressionism,
        ink_wash,
        pointillism,
        pop_art,
        renaissance,
        ukiyo_e,
        watercolour,
    )
}
STYLES = tuple(_RENDERERS)


def paint(scene_seed, style, size=128, seed=0):
    """Paints one scene in one style.

    The same arguments give the same bytes, whatever was painted before and in
    whichever process. Only another processor or another release of NumPy or
    Pillow may round a sine differently, and with it move single pixels.

    Args:
        scene_seed: int >= 0, which scene; see `scene.Scene.from_seed`.
        style: one of `STYLES`.
        size: width and height in pixels, at least 16.
        seed: int >= 0, another seed paints the same scene anew.

    Returns:
        uint8 `(size, size, 3)`, RGB.

    Raises:
        ValueError: for an unknown style, or numbers out of range.

    Example:
        >>> from keras_artkd.datasets import atelier
        >>> atelier.paint(3, "impressionism", size=64).shape
        (64, 64, 3)
    """
    if style not in _RENDERERS:
        raise ValueError(
            f"`style` must be one of {', '.join(STYLES)}. "
            f"Received: style={style!r}."
        )
    if not isinstance(size, (int, np.integer)) or size < 16:
        raise ValueError(
            "`size` must be an integer of at least 16. "
            f"Received: size={size!r}."
        )
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(
            f"`seed` must be an integer >= 0. Received: seed={seed!r}."
        )
    # Painted larger and shrunk, so that strokes have smooth sides; small
    # pictures need a canvas on which a stroke is still several pixels wide.
    canvas = int(size) * max(2, -(-128 // int(size)))
    raster = raster_of(scene_seed, canvas)
    rng = np.random.Generator(
        np.random.PCG64([seed, scene_seed, STYLES.index(style)])
    )
    image = _hang(_RENDERERS[style](raster, rng), rng)
    image = Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype("uint8"))
    return np.asarray(image.reduce(canvas // int(size)))


def _hang(image, rng):
    """The light of the room and the film: exposure, contrast, white balance.

    Drawn alike for all styles, so that mean colours tell less of the style.
    """
    image = np.clip(image, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.22)))
    image = b.saturate(image, rng.uniform(0.75, 1.2))
    balance = rng.normal(1, 0.05, 3).astype("float32")
    middle = image.mean()
    contrast = rng.uniform(0.75, 1.1)
    return (middle + (image - middle) * contrast) * balance
