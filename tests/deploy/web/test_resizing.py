"""The page's resizes give the bytes of Pillow and of `resize_squares`."""

import base64

import numpy as np
import pytest
from PIL import Image

from keras_artkd.data.images import resize_short_side
from keras_artkd.data.resampling import resize_matrix, resize_squares
from tests.deploy.web.conftest import serving

BICUBIC = """async ([coded, width, height, wide, high]) => {
  const { resize } = await import(new URL("resize.js", location));
  const pixels = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
  return [...resize(pixels, width, height, wide, high)];
}"""
SQUARE = """async ([coded, old, size]) => {
  const resize = await import(new URL("resize.js", location));
  const pixels = Uint8ClampedArray.from(atob(coded), (c) => c.charCodeAt(0));
  return [...resize.resizeSquare(pixels, old, size)];
}"""
MATRICES = """async (sizes) => {
  const resize = await import(new URL("resize.js", location));
  return sizes.map(([old, size]) =>
    resize.triangleWeights(old, size).map(({ start, weights }) => {
      const row = Array(old).fill(0);
      weights.forEach((weight, i) => (row[start + i] = weight));
      return row;
    }));
}"""


@pytest.fixture(scope="module")
def page(browser, model_page):
    page = browser.new_page()
    with serving(model_page) as address:
        page.goto(f"{address}page.css")
        yield page
    page.close()


def noise(width, height):
    """Random pixels: black and white ones overshoot, and are clipped."""
    random = np.random.default_rng(width * height)
    pixels = random.integers(0, 256, (height, width, 3), "uint8")
    hard = random.random((height, 1, 1)) < 0.5
    return np.where(hard, pixels // 128 * 255, pixels)


def coded(pixels):
    return base64.b64encode(pixels.astype("uint8").tobytes()).decode()


@pytest.mark.parametrize(
    ("width", "height", "short"),
    [(97, 161, 36), (301, 200, 36), (33, 37, 72), (5, 9, 20), (1, 2, 8)]
    + [(160, 231, 144), (64, 64, 64)],
)
def test_bicubic(page, width, height, short):
    pixels = noise(width, height).astype("uint8")
    expected = resize_short_side(Image.fromarray(pixels), short)
    found = page.evaluate(
        BICUBIC, [coded(pixels), width, height, *expected.size]
    )
    np.testing.assert_array_equal(found, np.asarray(expected).ravel())


@pytest.mark.parametrize(
    ("old", "size"), [(32, 24), (144, 96), (31, 7), (9, 20), (2, 1), (8, 8)]
)
def test_triangle(page, old, size):
    pixels = noise(old, old).astype("uint8")
    found = page.evaluate(SQUARE, [coded(pixels), old, size])
    np.testing.assert_array_equal(found, resize_squares(pixels, size).ravel())


def test_weights_of_the_triangle(page):
    sizes = [(o, n) for o in (1, 2, 9, 32, 97) for n in (1, 2, 7, 24, 96, 131)]
    for (old, size), found in zip(
        sizes, page.evaluate(MATRICES, sizes), strict=True
    ):
        expected = 256 * resize_matrix(old, size)
        np.testing.assert_array_equal(found, expected, f"{old} to {size}")
