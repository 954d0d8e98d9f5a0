"""Every kind of broken file that real image folders hold."""

import io
import struct
import warnings
import zlib

import pytest
from PIL import Image, PngImagePlugin

from keras_artkd.data.images import (
    MAX_JPEG_PIXELS,
    UnreadableImage,
    read_image,
)
from tests.data.pictures import NOISE, difference, encoded, smooth


def png_chunk(kind, data):
    body = kind + data
    return (
        struct.pack(">I", len(data))
        + body
        + struct.pack(">I", zlib.crc32(body))
    )


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    "image_format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"]
)
def test_truncated_files_are_refused(image_format, share):
    data = encoded(NOISE, image_format)
    with pytest.raises(UnreadableImage):
        read_image(data[: int(len(data) * share)])
    with pytest.raises(UnreadableImage):
        read_image(data[: int(len(data) * share)], 16)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty file"),
        (b"not a picture at all", "no image in a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image"),
        (b"\xff\xd8\xff" + b"\0" * 100, "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "."),
        (b"\xff\xd8\xff\xe0", "."),
        (encoded(NOISE, "JPEG")[:300], "."),
    ],
)
def test_files_that_are_no_pictures(data, reason, tmp_path):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(UnreadableImage, match=reason) as error:
            read_image(source)
        assert "\n" not in str(error.value)


def test_twelve_bit_jpeg_is_refused():
    data = bytearray(encoded(smooth(16, 16), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(UnreadableImage, match="12-bit"):
        read_image(bytes(data))


def test_missing_file_directory_and_broken_stream(tmp_path):
    with pytest.raises(UnreadableImage, match="no such file"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(UnreadableImage, match="not a regular file"):
        read_image(tmp_path)

    class Broken:
        def read(self):
            raise OSError(5, "Input/output error")

    with pytest.raises(UnreadableImage, match="Input/output error"):
        read_image(Broken())


def test_png_text_bomb_is_refused():
    """A text chunk of 3 kB that unpacks to more than Pillow allows."""
    size = 3 * PngImagePlugin.MAX_TEXT_CHUNK
    bomb = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * size))
    data = encoded(smooth(8, 8), "PNG")
    header_end = 8 + 25
    with pytest.raises(UnreadableImage, match="[Dd]ecompressed"):
        read_image(data[:header_end] + bomb + data[header_end:])


def forged(data, width, height, image_format):
    """The file with another size in its header."""
    if image_format == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]
    header = struct.pack(">II", width, height) + data[24:29]
    return data[:8] + png_chunk(b"IHDR", header) + data[33:]


def test_images_above_the_limits_are_refused_by_their_header():
    assert 20_000 * 15_001 > MAX_JPEG_PIXELS > 17_000 * 17_000
    jpeg = encoded(smooth(16, 16), "JPEG")
    with pytest.raises(UnreadableImage, match="too large: 20000 x 15001"):
        read_image(forged(jpeg, 20_000, 15_001, "JPEG"), 72)
    # Allowed reduced, too large whole.
    with pytest.raises(UnreadableImage, match="too large.*would be decoded"):
        read_image(forged(jpeg, 17_000, 17_000, "JPEG"))
    png = encoded(smooth(16, 16), "PNG")
    for side in (13_000, 50_000):
        with pytest.raises(UnreadableImage, match="too large"):
            read_image(forged(png, side, side, "PNG"), 72)


def test_a_jpeg_beyond_pillows_own_limit_is_read():
    """196 million pixels: Pillow rejects more than 179."""
    data = encoded(Image.new("L", (14_000, 14_000), 77), "JPEG", quality=30)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))
    result = read_image(data, 32)
    assert result.shape == (32, 32, 3)
    assert difference(result, 77).max() <= 2


def test_nothing_is_warned_and_nothing_global_changes():
    """Pillow warns of this header (100 million pixels) before it fails."""
    data = forged(encoded(smooth(16, 16), "PNG"), 10_000, 10_000, "PNG")
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(data))
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(UnreadableImage, match="cannot be decoded"):
            read_image(data)
    assert seen == []
    assert Image.MAX_IMAGE_PIXELS == limit
    assert warnings.filters == filters
