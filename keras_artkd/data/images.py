"""Decoding of image files into RGB pixels.

A file that cannot be decoded raises `UnreadableImage` with one clear reason.
The module requires only NumPy and Pillow, so that a device without TensorFlow
reads a picture exactly as training did.
"""

import contextlib
import ctypes
import functools
import io
import os
import pathlib
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

import numpy as np
from PIL import Image, ImageChops, JpegImagePlugin, UnidentifiedImageError

from keras_artkd.data.formats import readable
from keras_artkd.data.memory import BUDGET, DECODING, cost
from keras_artkd.types import Array, Path

Source: TypeAlias = Path | bytes | bytearray | memoryview | BinaryIO
"""An encoded image: a path, its bytes or a binary file."""

# A JPEG of this size still decodes cheaply, because `draft` reduces it inside
# the decoder. The largest painting in public sets has 283 million pixels.
MAX_JPEG_PIXELS = 300_000_000
# Pixels that are converted at once: what lies between takes little memory.
_STRIP_PIXELS = 1_000_000

# How a picture becomes the square that a network sees.
FITS = ("crop", "stretch", "pad")

# Of a TIFF, that are looked at for the largest.
_MOST_PAGES = 32

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImage(ValueError):
    """A file is no picture, or a damaged one; the message is one line."""


def read_image(
    source: Source,
    short_side: int | None = None,
    max_aspect: float = 2.0,
) -> Array:
    """Reads one image as upright RGB pixels of the requested size.

    Transparent pixels are laid over white. An animation gives its first
    frame, a TIFF of several pages the largest. Colour profiles are not
    applied.

    Args:
        source: path, bytes or binary file.
        short_side: int, pixels. The shorter side is resized to exactly this,
            up or down. `None` keeps the size. A large JPEG is decoded at
            reduced scale, which is several times faster.
        max_aspect: float >= 1. The longer side is cropped at its centre to at
            most this many times the shorter one (`math.inf`: never).

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        UnreadableImage: if the file is missing, empty, damaged, truncated,
            too large or no image.
    """
    if short_side is not None and short_side < 1:
        raise ValueError(
            "`short_side` must be at least 1 pixel, or None to keep the size. "
            f"Received: short_side={short_side}."
        )
    if not max_aspect >= 1:
        raise ValueError(
            "`max_aspect` must be at least 1 (it is the longer side over the "
            f"shorter). Received: max_aspect={max_aspect}."
        )
    with opened(source) as image, decoded(image, short_side) as pixels:
        pixels = centre_crop(pixels, max_aspect)
        if short_side is not None:
            pixels = resize_short_side(pixels, short_side)
        return np.array(pixels)


@contextlib.contextmanager
def opened(source: Source) -> Iterator[Image.Image]:
    """Context with the Pillow image of `source`, its pixels not yet decoded.

    Every error inside the context leaves it as `UnreadableImage`.
    """
    try:
        with _stream(source) as stream, _QUIET:
            image = _identified(stream)
            _seek_largest(image)
            yield image
    except UnreadableImage:
        raise
    except Exception as error:  # Damaged files raise many types in Pillow.
        reason = getattr(error, "strerror", None) or str(error)
        reason = " ".join(reason.split()) or type(error).__name__
        raise UnreadableImage(f"cannot be decoded: {reason}") from error


@contextlib.contextmanager
def decoded(
    image: Image.Image, short_side: int | None = None
) -> Iterator[Image.Image]:
    """Context with the pixels of an `opened` image, upright and in mode RGB.

    With `short_side`, a JPEG may be reduced, but never to less than twice
    `short_side`, so that the following resize can still antialias. Inside the
    context the pixels count against the memory of all that is decoded.
    """
    progressive = image.format == "JPEG" and "progressive" in image.info
    whole = image.width * image.height if progressive else 0
    if short_side is not None:
        image.draft(None, (2 * short_side, 2 * short_side))
    pixels = image.width * image.height
    size = cost(image.format, pixels, whole)
    if size > BUDGET:
        raise UnreadableImage(
            f"too large: {image.width} x {image.height} = "
            f"{pixels / 1e6:.0f} million pixels would be decoded in "
            f"{size / 1e9:.1f} GB of memory, the limit is {BUDGET / 1e9:.1f}"
        )
    with DECODING.of(size):
        image.load()
        # After `load`: Pillow itself turns TIFF files and removes the tag.
        turn = _UPRIGHT.get(orientation(image))
        rgb = _to_rgb(image)
        if rgb is not image:
            image.close()  # Frees the pixels of the file.
        if turn is not None:
            turned = rgb.transpose(turn)
            rgb.close()
            rgb = turned
        yield rgb


def orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation, 1 (upright) where none can be read."""
    try:
        return image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # Damaged EXIF is no reason to reject a good picture.
        return 1


def centre_crop(image: Image.Image, max_aspect: float) -> Image.Image:
    """Crops the longer side of a Pillow image to `max_aspect` x the shorter."""
    width, height = image.size
    longest = int(min(max(width, height), max_aspect * min(width, height)))
    left = max(0, width - longest) // 2
    top = max(0, height - longest) // 2
    if left == top == 0 and max(width, height) == longest:
        return image
    return image.crop(
        (left, top, left + min(width, longest), top + min(height, longest))
    )


def centre_square(pixels: Array, side: int) -> Array:
    """Returns the central `(side, side, 3)` of a `(height, width, 3)` array."""
    top, left = (np.array(pixels.shape[:2]) - side) // 2
    return pixels[top : top + side, left : left + side]


def fit_square(pixels: Array, fit: str) -> Array:
    """Makes a picture square, as wide as its shorter side.

    Args:
        pixels: uint8 `(height, width, 3)`, as of `read_image`.
        fit: one of `FITS`: `"crop"` leaves it as it is, for a crop later;
            `"stretch"` resizes its longer side; `"pad"` puts it in the middle
            of a black square, and resizes that.

    Returns:
        uint8 `(side, side, 3)`; of `"crop"` the picture itself.
    """
    height, width = pixels.shape[:2]
    if fit == "crop" or height == width:
        return pixels
    image = Image.fromarray(pixels)
    if fit == "pad":
        longer = max(image.size)
        square = Image.new("RGB", (longer, longer))
        square.paste(image, ((longer - width) // 2, (longer - height) // 2))
        image = square
    side = min(height, width)
    return np.array(image.resize((side, side), Image.Resampling.BICUBIC))


def resize_short_side(image: Image.Image, short_side: int) -> Image.Image:
    """Resizes a Pillow image with antialiasing; the aspect stays."""
    scale = short_side / min(image.size)
    width, height = (max(short_side, round(s * scale)) for s in image.size)
    size = (width, height)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC)


@contextlib.contextmanager
def _stream(source: Source) -> Iterator[BinaryIO]:
    """Context with a binary, seekable stream of a path, bytes or file."""
    if isinstance(source, str | os.PathLike):
        path = pathlib.Path(source)
        if not path.exists():
            raise UnreadableImage("no such file")
        if not path.is_file():  # A pipe would block for ever.
            raise UnreadableImage("not a regular file")
        with path.open("rb") as stream:
            yield stream
    elif isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    else:
        yield io.BytesIO(source.read())


def _identified(stream: BinaryIO) -> Image.Image:
    """Returns the Pillow image of a stream; its content decides the format."""
    start = stream.read(3)
    stream.seek(0)
    if not start:
        raise UnreadableImage("empty file (0 bytes)")
    if start != b"\xff\xd8\xff":
        formats = [*readable()]
        try:
            return Image.open(stream, formats=formats)
        except UnidentifiedImageError:
            raise UnreadableImage(
                f"no image in a known format ({', '.join(formats)})"
            ) from None
        except Image.DecompressionBombError as error:
            raise UnreadableImage(f"too large: {error}") from error
    # Opened by its class, because `Image.open` applies Pillow's global limit.
    # That is far below what `draft` can handle, and other code may need it.
    image = JpegImagePlugin.JpegImageFile(stream)
    pixels = image.width * image.height
    if pixels > MAX_JPEG_PIXELS:
        raise UnreadableImage(
            f"too large: {image.width} x {image.height} = "
            f"{pixels / 1e6:.0f} million pixels, the limit for JPEG is "
            f"{MAX_JPEG_PIXELS / 1e6:.0f} million"
        )
    return image


def _seek_largest(image: Image.Image) -> None:
    """Turns to the largest page of a TIFF; scanners put a thumbnail first."""
    if image.format == "TIFF":
        _silence_libtiff()
    pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    if pages < 2:
        return
    sizes = []
    for page in range(min(pages, _MOST_PAGES)):
        image.seek(page)
        sizes.append(image.width * image.height)
    # Of equals the first.
    image.seek(sizes.index(max(sizes)))


def _to_rgb(image: Image.Image) -> Image.Image:
    """Converts a loaded image of any mode to RGB, transparency over white."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    convert = _converter(image)
    rgb = Image.new("RGB", image.size)
    for box in _strips(image.size):
        rgb.paste(convert(image.crop(box)), box[:2])
    return rgb


def _strips(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of whole rows that cover an image, some pixels each."""
    width, height = size
    rows = max(1, _STRIP_PIXELS // max(width, 1))
    for top in range(0, height, rows):
        yield 0, top, width, min(top + rows, height)


def _converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What makes RGB of a part of an image."""
    if image.mode.startswith("I") or image.mode == "F":
        low, high = _grey_range(image)
        scale = 255 / max(high - low, 1e-30)

        def convert(part: Image.Image) -> Image.Image:
            grey = np.rint((_grey_values(part) - low) * scale)
            return Image.fromarray(grey.astype("uint8")).convert("RGB")

        return convert
    if image.mode == "CMYK":
        # Pillow inverts every CMYK JPEG, which is right for Adobe's files.
        # A file without Adobe's marker is not inverted: this is undone.
        undo = image.format == "JPEG" and "adobe" not in image.info
        return lambda part: (ImageChops.invert(part) if undo else part).convert(
            "RGB"
        )
    if image.has_transparency_data:
        return lambda part: Image.alpha_composite(
            Image.new("RGBA", part.size, "white"), part.convert("RGBA")
        ).convert("RGB")
    return lambda part: part.convert("RGB")


def _grey_values(part: Image.Image) -> Array:
    return np.nan_to_num(np.asarray(part, "float32"))


def _grey_range(image: Image.Image) -> tuple[float, float]:
    """The values that are black and white, of grey beyond 8 bits.

    Pillow itself would clip. 16-bit modes span their type. The others have no
    fixed range: they get the smallest usual range that holds all values,
    otherwise their own extremes.
    """
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    ends = [
        (float(part.min()), float(part.max()))
        for part in (_grey_values(image.crop(b)) for b in _strips(image.size))
    ]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if low >= 0 and high <= 65535:
        return 0.0, next(top for top in (1, 255, 65535) if high <= top)
    return low, high


@functools.cache
def _silence_libtiff() -> None:
    """Has libtiff tell its errors nobody; it would print them.

    A file's own error comes from Pillow all the same.
    """
    try:
        library = ctypes.CDLL(Image.core.__file__)
        for kind in ("Error", "Warning"):
            handler = getattr(library, f"TIFFSet{kind}Handler")
            handler.restype = ctypes.c_void_p
            handler(None)
    except (AttributeError, OSError):
        pass  # A part of Pillow there, which nobody can reach.


class _QuietPillow:
    """Silences Pillow's warnings while any thread is inside.

    `warnings.catch_warnings` alone is not safe here: threads that leave in
    another order than they entered would restore each other's filters.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._catch = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._catch.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL\b")

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._catch.close()


_QUIET = _QuietPillow()
