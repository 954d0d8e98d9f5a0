"""Colours of the hours and the seasons, and the conversion of HSV to RGB.

A scene is composed in HSV, where a darker red is one smaller number. It is
painted in RGB.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from keras_artkd.types import Array

Colour: TypeAlias = tuple[float, float, float]
"""Hue, saturation and value, each in [0, 1]; the hue may exceed that."""

# Each hour: sky above, sky at the horizon (HSV), tint of everything (RGB),
# contrast of the modelling.
HOURS: dict[str, tuple[Colour, Colour, Colour, float]] = {
    "dawn": ((0.60, 0.35, 0.80), (0.07, 0.40, 0.97), (1.03, 0.95, 0.95), 0.7),
    "noon": ((0.58, 0.55, 0.85), (0.55, 0.18, 0.97), (1.03, 1.02, 0.98), 0.9),
    "gold": ((0.57, 0.40, 0.78), (0.12, 0.50, 0.98), (1.08, 0.99, 0.82), 1.0),
    "dusk": ((0.68, 0.50, 0.45), (0.04, 0.65, 0.90), (0.88, 0.76, 0.84), 0.9),
    "night": ((0.63, 0.65, 0.18), (0.60, 0.50, 0.42), (0.48, 0.56, 0.76), 0.8),
    "grey": ((0.58, 0.10, 0.66), (0.15, 0.06, 0.84), (0.90, 0.92, 0.94), 0.5),
}
# Each season: foliage, ground (HSV).
SEASONS: dict[str, tuple[Colour, Colour]] = {
    "spring": ((0.25, 0.55, 0.66), (0.22, 0.50, 0.72)),
    "summer": ((0.31, 0.60, 0.45), (0.17, 0.55, 0.70)),
    "autumn": ((0.08, 0.75, 0.72), (0.11, 0.55, 0.62)),
    "winter": ((0.55, 0.15, 0.62), (0.58, 0.06, 0.93)),
}


def hsv_to_rgb(hsv: npt.ArrayLike) -> Array:
    """Converts `(..., 3)` HSV in [0, 1], hue wrapping, to float32 RGB."""
    hue, saturation, value = np.moveaxis(np.asarray(hsv, "float32"), -1, 0)
    turn = hue[..., None] * 6 + np.array([5, 3, 1], "float32")
    turn = turn % 6
    ramp = np.clip(np.minimum(turn, 4 - turn), 0, 1)
    rgb = value[..., None] * (1 - np.clip(saturation, 0, 1)[..., None] * ramp)
    return np.clip(rgb, 0, 1)


def toned(hsv: Colour, value: float, saturation: float = 1.0) -> Colour:
    """Multiplies the value and the saturation of a colour."""
    return (hsv[0], hsv[1] * saturation, hsv[2] * value)
