"""TensorFlow reads encoded images as Pillow does here, pixel by pixel."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_artkd.data.images import centre_square, fit_square, read_image
from keras_artkd.data.resampling import resize_squares
from keras_artkd.deploy.formats.encoded_images import read_images
from keras_artkd.deploy.model_info import ModelInfo

NAMES = ["a", "b"]
INFO = ModelInfo(NAMES, image_size=24, short_side=36, crop_size=32)
INFOS = {
    "resized": INFO,
    "plain": ModelInfo(NAMES, image_size=32, short_side=36),
    "stretch": ModelInfo(NAMES, image_size=32, short_side=36, fit="stretch"),
    "pad": ModelInfo(NAMES, image_size=32, short_side=36, fit="pad"),
}


def picture(size, channels=3):
    """Coarse and fine structure, all values from 0 to 255."""
    random = np.random.default_rng(0)
    pixels = np.zeros((*size[::-1], channels))
    for step in (4, 17, 90):
        shape = (size[1] // step + 1, size[0] // step + 1, channels)
        coarse = random.normal(size=shape).repeat(step, 0).repeat(step, 1)
        pixels += coarse[: size[1], : size[0]]
    pixels -= pixels.min()
    return np.rint(255 * pixels / pixels.max()).astype("uint8")


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read_here(content, info):
    square = fit_square(read_image(content, info.short_side), info.fit)
    crop = centre_square(square, info.crop_size)
    return resize_squares(crop, info.image_size)


def colours(size=(150, 110)):
    return Image.fromarray(picture(size))


def transparent(size=(150, 110)):
    return Image.fromarray(picture(size, 4), "RGBA")


def palette():
    image = colours().quantize(32)
    image.info["transparency"] = 3
    return image


# Of sizes that libjpeg reduces by 1, 2, 4 and 8, odd ones among them.
FILES = {
    "small": lambda: encoded(colours((31, 40)), "JPEG", quality=90),
    "as it is": lambda: encoded(colours((36, 36)), "PNG"),
    "half": lambda: encoded(colours((201, 149)), "JPEG", quality=90),
    "quarter": lambda: encoded(colours((301, 420)), "JPEG", subsampling=2),
    "eighth": lambda: encoded(colours((801, 633)), "JPEG", progressive=True),
    "wide": lambda: encoded(colours((403, 90)), "JPEG", subsampling=0),
    "high": lambda: encoded(colours((71, 301)), "PNG"),
    "grey JPEG": lambda: encoded(colours().convert("L"), "JPEG"),
    "grey PNG": lambda: encoded(colours().convert("L"), "PNG"),
    "bits": lambda: encoded(colours().convert("1"), "PNG"),
    "transparent": lambda: encoded(transparent(), "PNG"),
    "grey transparent": lambda: encoded(transparent().convert("LA"), "PNG"),
    "palette": lambda: encoded(palette(), "PNG", transparency=3),
    "GIF": lambda: encoded(colours(), "GIF"),
    "animation": lambda: encoded(
        colours(), "GIF", save_all=True, append_images=[transparent()]
    ),
    "BMP": lambda: encoded(colours(), "BMP"),
}


@pytest.mark.parametrize("info", INFOS.values(), ids=INFOS)
def test_the_pixels_are_those_of_a_prediction(info):
    """Of all files in one batch. Measured: 0.8 % and less differ, by 1."""
    contents = [make() for make in FILES.values()]
    found = read_images(tf.constant(contents), info).numpy()
    side = info.image_size
    assert found.shape == (len(FILES), side, side, 3)
    assert found.dtype == np.float32
    for name, content, pixels in zip(FILES, contents, found, strict=True):
        difference = np.abs(pixels - read_here(content, info))
        assert difference.max() <= 2, name
        assert (difference > 0).mean() < 0.01, name


def test_what_tensorflow_does_not_know():
    """The orientation alone: the picture lies as it was stored."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(colours(), "JPEG", quality=95, exif=exif)
    stored = encoded(colours(), "JPEG", quality=95)
    found, expected = read_images(tf.constant([content, stored]), INFO).numpy()
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found - read_here(content, INFO)).mean() > 10


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0"])
def test_what_is_no_image(content):
    good = FILES["small"]()
    with pytest.raises(tf.errors.InvalidArgumentError):
        read_images(tf.constant([good, content]), INFO)
