"""Every kind of odd file that real image folders hold."""

import io
import pathlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from keras_artkd.data.images import (
    UnreadableImage,
    centre_crop,
    read_image,
    resize_short_side,
)
from tests.data.pictures import NOISE, difference, encoded, smooth


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_formats_come_back_exactly(image_format):
    pixels = smooth(23, 31)
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = encoded(pixels, image_format, **options)
    np.testing.assert_array_equal(read_image(data), pixels)


def test_sources_agree(tmp_path):
    data = encoded(smooth(20, 30), "PNG")
    path = tmp_path / "a picture (1), d'été [x].png"
    path.write_bytes(data)
    expected = read_image(data)
    assert expected.dtype == np.uint8
    for source in (path, str(path), io.BytesIO(data), bytearray(data)):
        np.testing.assert_array_equal(read_image(source), expected)
    with path.open("rb") as file:
        np.testing.assert_array_equal(read_image(file), expected)


@pytest.mark.parametrize("short_side", [7, 20, 64])
def test_short_side_is_exact_up_and_down(short_side):
    for size in ((20, 30), (30, 20), (20, 20), (19, 37)):
        result = read_image(encoded(smooth(*size), "PNG"), short_side)
        assert min(result.shape[:2]) == short_side
        expected = max(size) / min(size) * short_side
        assert abs(max(result.shape[:2]) - expected) <= 0.5


def test_long_side_is_cropped_at_the_centre():
    pixels = np.zeros((10, 100, 3), "uint8")
    pixels[:, 40:60] = 200
    for turn in (False, True):
        picture = pixels.swapaxes(0, 1) if turn else pixels
        result = read_image(encoded(picture.copy(), "PNG"), max_aspect=2.0)
        assert result.shape == ((20, 10, 3) if turn else (10, 20, 3))
        assert (result == 200).all()
    whole = read_image(encoded(pixels, "PNG"), max_aspect=float("inf"))
    np.testing.assert_array_equal(whole, pixels)


def test_crop_and_resize_leave_a_fitting_image_alone():
    image = Image.fromarray(smooth(20, 30))
    assert centre_crop(image, 1.5) is image
    assert resize_short_side(image, 20) is image


def test_reduced_decode_is_close_to_the_full_one(monkeypatch):
    data = encoded(smooth(1200, 1600), "JPEG", quality=95)
    drafted = []
    original = ImageFile.ImageFile.load

    def load(self):
        drafted.append(self.size)
        return original(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    reduced = read_image(data, 72)
    assert drafted[0] == (200, 150)
    full = resize_short_side(Image.open(io.BytesIO(data)), 72)
    assert reduced.shape == (72, 96, 3)
    assert difference(reduced, full).mean() < 1
    assert difference(reduced, full).max() < 8


def test_a_jpeg_is_never_reduced_below_twice_the_target():
    data = encoded(NOISE.repeat(3, 0).repeat(3, 1), "JPEG", quality=95)
    full = np.array(resize_short_side(Image.open(io.BytesIO(data)), 72))
    np.testing.assert_array_equal(read_image(data, 72), full)


# What the picture looks like when stored so that orientation n rights it.
_STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", _STORED)
@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "JPEG"])
def test_exif_orientation_is_applied(orientation, image_format):
    upright = smooth(24, 40)
    stored = np.ascontiguousarray(_STORED[orientation](upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0}
    data = encoded(
        stored,
        image_format,
        exif=exif,
        **(options if image_format == "JPEG" else {}),
    )
    result = read_image(data)
    assert result.shape == upright.shape
    tolerance = 6 if image_format == "JPEG" else 0
    assert difference(result, upright).max() <= tolerance


def test_damaged_exif_does_not_cost_the_picture():
    pixels = smooth(20, 20)
    data = encoded(pixels, "PNG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xffjunk")
    np.testing.assert_array_equal(read_image(data), pixels)


def test_grey_one_bit_and_grey_alpha():
    grey = smooth(20, 20)[..., 0]
    for image in (grey, Image.fromarray(grey).convert("LA")):
        result = read_image(encoded(image, "PNG"))
        np.testing.assert_array_equal(result, np.repeat(grey[..., None], 3, 2))
    bits = Image.fromarray(grey > 127)
    assert bits.mode == "1"
    result = read_image(encoded(bits, "PNG"))
    np.testing.assert_array_equal(result[..., 1], (grey > 127) * 255)


def test_transparency_is_laid_over_white():
    pixels = np.zeros((10, 10, 4), "uint8")
    pixels[..., 0] = 100
    pixels[:, :5, 3] = 255
    pixels[:, 5:, 3] = 51  # 1/5 opaque: 100/5 + 255*4/5 = 224; 0 -> 204
    for data in (
        encoded(pixels, "PNG"),
        encoded(pixels, "WEBP", lossless=True, exact=True),
    ):
        result = read_image(data)
        assert (result[:, :5] == (100, 0, 0)).all()
        assert difference(result[:, 5:], (224, 204, 204)).max() <= 1
    grey = Image.fromarray(pixels[..., 0]).convert("LA")
    grey.putalpha(0)
    assert (read_image(encoded(grey, "PNG")) == 255).all()


def test_palette_with_and_without_transparency():
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30, 200, 100, 50])
    palette.paste(2, (4, 0, 8, 8))
    for image_format in ("PNG", "GIF"):
        plain = read_image(encoded(palette, image_format))
        assert (plain[:, :4] == (10, 20, 30)).all()
        assert (plain[:, 4:] == (200, 100, 50)).all()
        clear = read_image(encoded(palette, image_format, transparency=2))
        assert (clear[:, :4] == (10, 20, 30)).all()
        assert (clear[:, 4:] == 255).all()
    partly = encoded(palette, "PNG", transparency=bytes([255, 255, 0]))
    assert (read_image(partly)[:, 4:] == 255).all()


def test_cmyk_with_and_without_adobe_marker():
    """(0, 255, 255, 0) is full magenta and yellow, that is red.

    Pillow writes CMYK as Adobe does: inverted, with its APP14 marker. The
    same samples without the marker mean the opposite, so the file is made
    from inverted pixels and loses its marker.
    """
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    adobe = encoded(image, "JPEG", quality=100)
    assert b"\xff\xee\x00\x0eAdobe" in adobe
    opposite = Image.new("CMYK", (16, 16), (255, 0, 0, 255))
    data = encoded(opposite, "JPEG", quality=100)
    start = data.index(b"\xff\xee\x00\x0eAdobe")
    bare = data[:start] + data[start + 16 :]
    assert b"Adobe" not in bare
    for data in (adobe, bare, encoded(image, "TIFF")):
        assert difference(read_image(data), (255, 0, 0)).max() <= 3


def test_sixteen_bits_are_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype("uint16").reshape(16, 16)
    expected = np.arange(256).reshape(16, 16)
    for image_format in ("PNG", "TIFF"):
        result = read_image(encoded(Image.fromarray(ramp), image_format))
        assert difference(result[..., 0], expected).max() <= 1


@pytest.mark.parametrize(
    "low, high, first, last",
    [
        (0, 1, 0, 255),  # float pictures mostly span [0, 1]
        (0, 0.5, 0, 128),
        (0, 200, 0, 200),
        (0, 65535, 0, 255),
        (-3, 9, 0, 255),  # no usual range: its own extremes
        (5, 1e9, 0, 255),
    ],
)
def test_float_images_are_scaled_by_range(low, high, first, last):
    ramp = np.linspace(low, high, 64, dtype="float32").reshape(8, 8)
    result = read_image(encoded(Image.fromarray(ramp), "TIFF"))
    assert abs(int(result[0, 0, 0]) - first) <= 1
    assert abs(int(result[-1, -1, 0]) - last) <= 1
    assert (np.diff(result[..., 0].ravel().astype(int)) >= 0).all()


def test_constant_and_not_a_number_floats():
    values = np.full((4, 4), -2, "float32")
    values[0, 0] = np.nan
    result = read_image(encoded(Image.fromarray(values), "TIFF"))
    assert result[0, 0, 0] == 255 and result[1, 1, 0] == 0


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG"])
def test_first_frame_of_an_animation(image_format):
    frames = [
        Image.new("RGB", (12, 9), colour)
        for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200))
    ]
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = encoded(
        frames[0],
        image_format,
        save_all=True,
        append_images=frames[1:],
        **options,
    )
    assert Image.open(io.BytesIO(data)).n_frames == 3
    result = read_image(data)
    assert result.shape == (9, 12, 3)
    assert (result == (200, 0, 0)).all()


def test_content_counts_not_the_name(tmp_path):
    path = tmp_path / "really-a-png.jpeg"
    pixels = smooth(10, 10)
    path.write_bytes(encoded(pixels, "PNG"))
    np.testing.assert_array_equal(read_image(path), pixels)


@pytest.mark.parametrize("options", [{"short_side": 0}, {"max_aspect": 0.5}])
def test_bad_arguments_are_not_blamed_on_the_image(options):
    with pytest.raises(ValueError, match=next(iter(options))) as error:
        read_image(encoded(smooth(8, 8), "PNG"), **options)
    assert not isinstance(error.value, UnreadableImage)


def test_importing_needs_no_framework():
    """A bare device reads pictures by this module's own imports."""
    source = pathlib.Path(read_image.__globals__["__file__"]).read_text()
    for line in source.splitlines():
        if line.startswith(("import ", "from ")):
            package = line.split()[1].partition(".")[0]
            assert package not in ("keras", "tensorflow")


@pytest.mark.parametrize("largest", [0, 1, 2])
def test_of_a_tiff_of_several_pages_the_largest_is_read(largest, tmp_path):
    """Scanners put a thumbnail first."""
    sides = [20, 30, 25]
    sides[largest] = 60
    pages = [Image.new("RGB", (side, side), (side, 0, 0)) for side in sides]
    path = tmp_path / "scan.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    pixels = read_image(path)
    assert pixels.shape == (60, 60, 3)
    assert (pixels == (60, 0, 0)).all()
