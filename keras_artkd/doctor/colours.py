"""Comparison of colours: whether two pictures can be copies of each other.

Structure alone takes two monochromes, or one composition in two palettes, for
copies. Colours alone take any two brown portraits for copies. Both must agree.
"""

import numpy as np
from PIL import Image

from keras_artkd.types import Array

COLOUR_SIDE = 4  # Blocks along a side of a picture.
# Grey levels, root of the mean square over blocks. What is left of colours may
# have drifted by as much: another white balance, another photograph. Of the 27
# pairs of nearly the same among 5,224 paintings of WikiArt up to 11 is left.
_DRIFT = 12.0
# The share of the paler picture's colours that may be left without the other's.
# It is the sine of an angle: hues may be turned by 25 degrees.
_LEFT = 0.42
_PALEST = 0.5  # So many times less colourful a copy may be.
_DARKEST = 0.5  # So many times darker.
# With less colour in its blocks a picture is black and white.
_GREY = 2.0
# Grey levels, in which a copy in black and white must agree with the picture.
_GREY_DRIFT = 16.0
# Grey levels, in which pictures without structure must agree.
_FLAT_DRIFT = 10.0
_LUMA = np.array((0.299, 0.587, 0.114), "float32")  # As Pillow's mode L.


def colours(pixels: Array) -> Array:
    """Mean colours of the blocks of a picture.

    Args:
        pixels: uint8 `(height, width, 3)`.

    Returns:
        uint8 `(4, 4, 3)`.
    """
    size = COLOUR_SIDE, COLOUR_SIDE
    blocks = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
    return np.array(blocks)


def alike(first: Array, second: Array, flat: Array) -> Array:
    """Whether pictures may be copies of each other, by their colours.

    A copy may be darker or paler, and its colours may have drifted a little;
    they are not of another hue. A copy in black and white has no colours, but
    then it must be as light as the other. Of pictures without structure
    nothing but the colour is left, and it must be the same.

    Args:
        first: uint8 `(n, 4, 4, 3)`, of `colours`.
        second: uint8 `(n, 4, 4, 3)`.
        flat: bool `(n,)`, whether either picture has hardly any structure.

    Returns:
        bool `(n,)`.
    """
    first, second = first.astype("float32"), second.astype("float32")
    lumas = [picture @ _LUMA for picture in (first, second)]
    chromas = [
        picture - picture.mean(-1, keepdims=True) for picture in (first, second)
    ]
    amounts = np.stack([_size(chroma) for chroma in chromas])
    lightness = np.stack([luma.mean((1, 2)) + _DRIFT for luma in lumas])
    as_light = lightness.min(0) >= _DARKEST * lightness.max(0)
    grey = (amounts.min(0) < _GREY) & (
        _size(lumas[0] - lumas[1]) <= _GREY_DRIFT
    )
    same_hues = _left(*chromas) <= np.maximum(_DRIFT, _LEFT * amounts.min(0))
    same = _size(first - second) <= _FLAT_DRIFT
    return np.where(flat, same, as_light & (same_hues | grey))


def _left(first: Array, second: Array) -> Array:
    """What is left of the paler colours without the other's, made paler."""
    paler = (_size(first) <= _size(second))[:, None, None, None]
    pale, strong = (
        np.where(paler, first, second),
        np.where(paler, second, first),
    )
    axes = (1, 2, 3)
    shares = (pale * strong).sum(axes) / np.maximum((strong**2).sum(axes), 1e-6)
    shares = np.clip(shares, _PALEST, 1)[:, None, None, None]
    return _size(pale - shares * strong)


def _size(values: Array) -> Array:
    """Root of the mean square of all but the first axis."""
    size: Array = np.sqrt((values**2).mean(tuple(range(1, values.ndim))))
    return size
