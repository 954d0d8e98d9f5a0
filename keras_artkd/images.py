"""Any image file to RGB pixels, or one clear reason why not.

Needs only NumPy and Pillow, so that a device without TensorFlow reads a
picture exactly as training did.
"""

import contextlib
import io
import os
import pathlib
import threading
import warnings

import numpy as np
from PIL import Image, ImageChops, JpegImagePlugin, UnidentifiedImageError

# A JPEG of this size still decodes cheaply, because `draft` reduces it inside
# the decoder; the largest painting seen in public sets has 283 million pixels.
MAX_JPEG_PIXELS = 300_000_000
# What is ever unpacked into memory at once, whatever the format: 0.6 GB.
MAX_DECODED_PIXELS = 150_000_000
# Larger images are decoded one at a time, or threads would multiply the peak.
_LARGE_PIXELS = 50_000_000
_LARGE_LOCK = threading.Lock()

# What people keep pictures in. Pillow's full list is not offered to files
# from the net: EPS, for one, would start Ghostscript.
_FORMATS = ("PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM")

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
    """A file that is not, or no longer, a picture; says why in one line."""


def read_image(source, short_side=None, max_aspect=2.0):
    """Reads one image as upright RGB pixels of the wanted size.

    Transparency is laid over white; of an animation the first frame is
    taken; colour profiles are not applied.

    Args:
        source: path, bytes or binary file.
        short_side: int, pixels: the shorter side is resized to exactly this,
            up or down. `None` keeps the size. A large JPEG is decoded at
            reduced scale, which is several times faster.
        max_aspect: float >= 1: the longer side is cropped at its centre to at
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
    with opened(source) as image:
        image = centre_crop(decoded(image, short_side), max_aspect)
        if short_side is not None:
            image = resize_short_side(image, short_side)
        return np.array(image)


@contextlib.contextmanager
def opened(source):
    """Context with the Pillow image of `source`, its pixels not yet decoded.

    Whatever goes wrong inside the context leaves it as `UnreadableImage`.
    """
    try:
        with _stream(source) as stream, _QUIET:
            image = _identified(stream)
            large = image.width * image.height > _LARGE_PIXELS
            with _LARGE_LOCK if large else contextlib.nullcontext():
                yield image
    except UnreadableImage:
        raise
    except Exception as error:  # Pillow lets many types out of damaged files.
        reason = getattr(error, "strerror", None) or str(error)
        reason = " ".join(reason.split()) or type(error).__name__
        raise UnreadableImage(f"cannot be decoded: {reason}") from error


def decoded(image, short_side=None):
    """The pixels of an `opened` image, upright and in mode RGB.

    With `short_side`, a JPEG may come reduced, but never to less than twice
    that, so that the resize that follows can still antialias.
    """
    if short_side is not None:
        image.draft(None, (2 * short_side, 2 * short_side))
    pixels = image.width * image.height
    if pixels > MAX_DECODED_PIXELS:
        raise UnreadableImage(
            f"too large: {image.width} x {image.height} = "
            f"{pixels / 1e6:.0f} million pixels would be decoded, the limit "
            f"is {MAX_DECODED_PIXELS / 1e6:.0f} million"
        )
    image.load()
    # Read after `load`: Pillow turns TIFF files itself and drops the tag.
    turn = _UPRIGHT.get(orientation(image))
    image = _to_rgb(image)
    return image if turn is None else image.transpose(turn)


def orientation(image):
    """The EXIF orientation, 1 (upright) where there is none to read."""
    try:
        return image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # Damaged EXIF is no reason to refuse a good picture.
        return 1


def centre_crop(image, max_aspect):
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


def centre_square(pixels, side):
    """The central `(side, side, 3)` of a `(height, width, 3)` array."""
    top, left = (np.array(pixels.shape[:2]) - side) // 2
    return pixels[top : top + side, left : left + side]


def resize_short_side(image, short_side):
    """Resizes a Pillow image, antialiased, aspect kept."""
    scale = short_side / min(image.size)
    size = tuple(max(short_side, round(side * scale)) for side in image.size)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC)


@contextlib.contextmanager
def _stream(source):
    """Binary, seekable stream of a path, bytes or file."""
    if isinstance(source, str | os.PathLike):
        path = pathlib.Path(source)
        if not path.exists():
            raise UnreadableImage("no such file")
        if not path.is_file():  # A pipe would wait for ever.
            raise UnreadableImage("not a regular file")
        with path.open("rb") as stream:
            yield stream
    elif isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    else:
        yield io.BytesIO(source.read())


def _identified(stream):
    """The Pillow image of a stream, by its content, not by any name."""
    start = stream.read(3)
    stream.seek(0)
    if not start:
        raise UnreadableImage("empty file (0 bytes)")
    if start != b"\xff\xd8\xff":
        try:
            return Image.open(stream, formats=_FORMATS)
        except UnidentifiedImageError:
            raise UnreadableImage(
                f"no image in a known format (JPEG, {', '.join(_FORMATS)})"
            ) from None
        except Image.DecompressionBombError as error:
            raise UnreadableImage(f"too large: {error}") from error
    # Opened by its class because `Image.open` applies Pillow's global limit,
    # which is far below what `draft` can handle and not ours to change.
    image = JpegImagePlugin.JpegImageFile(stream)
    pixels = image.width * image.height
    if pixels > MAX_JPEG_PIXELS:
        raise UnreadableImage(
            f"too large: {image.width} x {image.height} = "
            f"{pixels / 1e6:.0f} million pixels, the limit for JPEG is "
            f"{MAX_JPEG_PIXELS / 1e6:.0f} million"
        )
    return image


def _to_rgb(image):
    """A loaded image of any mode in RGB, transparency over white."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bits(image)
    if image.mode == "CMYK":
        # Pillow inverts every CMYK JPEG, as Adobe's need; a file without
        # Adobe's marker means what it says, so that is undone.
        if image.format == "JPEG" and "adobe" not in image.info:
            image = ImageChops.invert(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _to_8_bits(image):
    """Grey of 16 or 32 bits or floats, scaled (Pillow itself would clip).

    16-bit modes span their type. The others have no range of their own: the
    smallest usual one that holds all values, else their own extremes.
    """
    values = np.nan_to_num(np.asarray(image, "float32"))
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 65535:
        low, high = 0.0, next(top for top in (1, 255, 65535) if high <= top)
    scale = 255 / max(high - low, 1e-30)
    return Image.fromarray(np.rint((values - low) * scale).astype("uint8"))


class _QuietPillow:
    """Silences Pillow's warnings while any thread is inside.

    `warnings.catch_warnings` alone is not safe here: threads that leave in
    another order than they came would restore each other's filters.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._inside = 0
        self._catch = None

    def __enter__(self):
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._catch = warnings.catch_warnings()
                self._catch.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\b")

    def __exit__(self, *error):
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._catch.__exit__(*error)


_QUIET = _QuietPillow()
