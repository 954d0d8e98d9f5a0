"""Storage of images by the TFDS builders: small, and always JPEG."""

import io
import pathlib

import numpy as np

from keras_artkd.data.images import (
    decoded,
    opened,
    orientation,
    read_image,
    resize_short_side,
)
from keras_artkd.datasets.records import content_digest
from keras_artkd.types import Array, Path

SHORT_SIDE = 256  # Pixels: enough to crop 224, a fortieth of the originals.
_QUALITY = 95


def stored_image(path: Path) -> tuple[bytes, str]:
    """Returns the encoded bytes to keep of a file, and its pixels' digest.

    A plain JPEG (8 bit, RGB or grey, upright) that is already small is kept
    byte for byte, because another encoding would lose detail. Anything else
    becomes an upright RGB JPEG with a short side of at most `SHORT_SIDE`. The
    digest is taken before that encoding.

    Raises:
        UnreadableImage: as `keras_artkd.data.images.read_image` does.
    """
    with opened(path) as image:
        plain = (
            image.format == "JPEG"
            and image.mode in ("RGB", "L")
            and min(image.size) <= SHORT_SIDE
            and orientation(image) == 1
        )
        with decoded(image, SHORT_SIDE) as rgb:
            if min(rgb.size) > SHORT_SIDE:
                rgb = resize_short_side(rgb, SHORT_SIDE)
            digest = content_digest(np.array(rgb))
        if plain:
            return pathlib.Path(path).read_bytes(), digest
        buffer = io.BytesIO()
        rgb.save(buffer, "JPEG", quality=_QUALITY)
        return buffer.getvalue(), digest


def read_as_stored(path: Path | bytes, short_side: int | None) -> Array:
    """Reads an image file as if a builder had kept it."""
    assert not isinstance(path, bytes)
    return read_image(stored_image(path)[0], short_side)
