"""Shapes of a scene: filled outlines in the unit square, y down."""

import dataclasses

import numpy as np
import numpy.typing as npt

from keras_artkd.datasets.atelier.palette import Colour
from keras_artkd.types import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """One filled outline of the scene.

    Attributes:
        label: "sky", "tree", "face", ...
        points: `(n, 2)` corners in the unit square, x then y.
        colour: HSV at the top of the shape.
        fade: HSV at its bottom.
        depth: 0 (near) to 1 (far).
        roundness: how far it curves away, sideways and vertically.
        angle: direction of its texture, radians, 0 is horizontal.
        follow: 0 keeps `angle`, 1 runs round the shape's centre.
        grain: strength of its own small variation of tone.
        mirror: share of what is above it that it reflects (water).
        shadow: above 0, the shape only darkens what lies below it.
        backdrop: True for what an icon painter would cover with gold.
    """

    label: str
    points: Array
    colour: Colour
    fade: Colour
    depth: float = 0.5
    roundness: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    follow: float = 0.0
    grain: float = 0.06
    mirror: float = 0.0
    shadow: float = 0.0
    backdrop: bool = False


def mirrored(shape: Shape) -> Shape:
    """Returns the shape with left and right exchanged."""
    points = shape.points * [-1, 1] + [1, 0]
    return dataclasses.replace(shape, points=points, angle=-shape.angle)


def outline(
    corners: npt.ArrayLike,
    x: float,
    y: float,
    width: float = 1.0,
    height: float | None = None,
) -> Array:
    """Places a table of corners.

    Args:
        corners: `(n, 2)`, relative to `(x, y)`, in units of the two sizes.
        x: place of the table's (0, 0), likewise `y`.
        y: see `x`.
        width: length of the table's unit across; negative mirrors.
        height: length of its unit down; the default is `width`.

    Returns:
        `(n, 2)` points.
    """
    height = width if height is None else height
    return np.array(corners) * (width, height) + (x, y)


def box(left: float, top: float, right: float, bottom: float) -> Array:
    """Returns the corners of an upright rectangle."""
    return np.array(
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    )


def ellipse(
    x: float,
    y: float,
    rx: float,
    ry: float,
    tilt: float = 0.0,
    start: float = 0.0,
    stop: float = 1.0,
) -> Array:
    """Returns points on an ellipse, or on its arc from `start` to `stop`."""
    turn = 2 * np.pi * np.linspace(start, stop, 28)
    px, py = rx * np.cos(turn), ry * np.sin(turn)
    c, s = np.cos(tilt), np.sin(tilt)
    return np.stack([x + px * c - py * s, y + px * s + py * c], axis=1)
