"""How the TFDS builders keep an image: small, and JPEG whatever it was."""

import io
import pathlib

import numpy as np

from keras_artkd.datasets.records import content_digest
from keras_artkd.images import (
    decoded,
    opened,
    orientation,
    read_image,
    resize_short_side,
)

SHORT_SIDE = 256  # Pixels: enough to crop 224, a fortieth of the originals.
_QUALITY = 95


def stored_image(path):
    """Encoded bytes to keep of an image file, and the digest of its pixels.

    A plain JPEG (8 bit, RGB or grey, upright) that is small already is kept
    byte for byte, for encoding it again would only lose. Anything else
    becomes an upright RGB JPEG with a short side of at most `SHORT_SIDE`.
    The digest is taken before that encoding.

    Raises:
        UnreadableImage: as `keras_artkd.images.read_image` does.
    """
    with opened(path) as image:
        plain = (
            image.format == "JPEG"
            and image.mode in ("RGB", "L")
            and min(image.size) <= SHORT_SIDE
            and orientation(image) == 1
        )
        rgb = decoded(image, SHORT_SIDE)
        if min(rgb.size) > SHORT_SIDE:
            rgb = resize_short_side(rgb, SHORT_SIDE)
        digest = content_digest(np.array(rgb))
        if plain:
            return pathlib.Path(path).read_bytes(), digest
        buffer = io.BytesIO()
        rgb.save(buffer, "JPEG", quality=_QUALITY)
        return buffer.getvalue(), digest


def read_as_stored(path, short_side):
    """The pixels of an image file as of one that a builder has kept."""
    return read_image(stored_image(path)[0], short_side)
