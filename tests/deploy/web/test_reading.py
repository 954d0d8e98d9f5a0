"""The page reads a picture as `artkd predict` does."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_artkd.data.images import FITS, centre_square, fit_square, read_image
from keras_artkd.data.resampling import resize_squares
from tests.deploy.web.conftest import INFO, serving

READ = """async ([coded, fit]) => {
  const { readPicture } = await import(new URL("picture.js", location));
  const settings = await fetch("keras_artkd.json").then((r) => r.json());
  const bytes = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
  return [...await readPicture(new Blob([bytes]), { ...settings, fit })];
}"""
TURNED = 0x0112


@pytest.fixture(scope="module")
def page(browser, model_page):
    page = browser.new_page()
    with serving(model_page) as address:
        page.goto(f"{address}page.css")
        yield page
    page.close()


def painting(width, height):
    """Waves of colours, no side like another."""
    y, x = np.mgrid[:height, :width]
    waves = [x / 9 + y / 31, x / 23 - y / 7, (x + y) / 5]
    pixels = [127 + 120 * np.sin(wave) * (x / width) for wave in waves]
    return Image.fromarray(np.stack(pixels, -1).astype("uint8"))


def encoded(image, file_format="png", **settings):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **settings)
    return buffer.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[TURNED] = orientation
    return exif


def see_through():
    image = painting(101, 77).convert("RGBA")
    y, x = np.mgrid[:77, :101]
    image.putalpha(Image.fromarray((5 * x + y).astype("uint8")))
    return image


def profile():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def differences(page, content, fit="crop"):
    pixels = fit_square(read_image(content, INFO.short_side), fit)
    crop = centre_square(pixels, INFO.crop_size)
    expected = resize_squares(crop, INFO.image_size)
    found = page.evaluate(READ, [base64.b64encode(content).decode(), fit])
    return np.abs(np.int64(found) - expected.ravel())


GREY = painting(90, 64).convert("L")
EXACT = {
    **{
        f"{width} x {height}": encoded(painting(width, height))
        for width, height in [(201, 333), (97, 613), (640, 101), (33, 37)]
        + [(1, 1), (3, 7), (36, 36)]
    },
    **{
        f"EXIF {number}": encoded(painting(90, 61), "jpeg", exif=turned(number))
        for number in range(1, 9)
    },
    "EXIF of a PNG": encoded(painting(90, 61), exif=turned(6)),
    "alpha": encoded(see_through()),
    "alpha of a WebP": encoded(see_through(), "webp", lossless=True),
    "palette": encoded(painting(90, 61).quantize(60)),
    "GIF": encoded(painting(90, 61).quantize(60), "gif"),
    "BMP": encoded(painting(90, 61), "bmp"),
    "grey": encoded(GREY, "jpeg"),
    "16 bits": encoded(Image.fromarray(np.uint16(GREY) * np.uint16(257))),
    "CMYK": encoded(painting(90, 61).convert("CMYK"), "jpeg"),
    "progressive": encoded(painting(90, 61), "jpeg", progressive=True),
    "4:4:4": encoded(painting(90, 61), "jpeg", subsampling=0),
    "profile": encoded(painting(90, 61), "jpeg", icc_profile=profile()),
}


@pytest.mark.parametrize("name", EXACT)
def test_the_same_bytes(page, name):
    assert differences(page, EXACT[name]).max() == 0


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    "size", [(97, 61), (61, 98), (640, 101), (50, 50), (1, 2), (36, 71)]
)
def test_every_fit(page, fit, size):
    assert differences(page, encoded(painting(*size)), fit).max() == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(171, 149), (425, 302), (835, 611)])
def test_a_jpeg_that_pillow_decodes_smaller(page, orientation, size):
    """At a half, a quarter and an eighth; what the decoder rounds is lost."""
    content = encoded(
        painting(*size), "jpeg", exif=turned(orientation), subsampling=0
    )
    found = differences(page, content)
    assert found.max() <= 3 and found.mean() < 0.5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"no picture", "is no picture that this browser can read"),
        (encoded(painting(90, 61))[:500], "is no picture that this browser"),
    ],
)
def test_no_picture(page, content, reason):
    with pytest.raises(Exception, match=reason):
        page.evaluate(READ, [base64.b64encode(content).decode(), "crop"])
