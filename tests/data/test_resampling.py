"""Resizing with antialiasing, to the same bytes anywhere."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_artkd.data.pipeline import evaluation_arrays, evaluation_dataset
from keras_artkd.data.resampling import resize_matrix, resize_squares
from keras_artkd.data.store import ImageStore

SIZES = [(128, 96), (96, 64), (64, 96), (97, 31), (16, 16), (5, 1)]


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_weights(old, new):
    """Multiples of 1/256 whose rows sum to one, near the exact ones."""
    matrix = resize_matrix(old, new)
    assert matrix.shape == (new, old)
    np.testing.assert_array_equal(matrix.sum(axis=1), 1)
    np.testing.assert_array_equal(matrix * 256, np.rint(matrix * 256))
    image = np.eye(old, dtype="float32")[None, :, :, None]
    exact = tf.image.resize(image, (new, old), antialias=True)[0, :, :, 0]
    np.testing.assert_allclose(matrix, exact, atol=1 / 256)


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_near_pillow(old, new):
    image = noise(old, old, 3)
    ours = resize_squares(image, new)
    theirs = Image.fromarray(image).resize((new, new), Image.BILINEAR)
    assert ours.dtype == "uint8"
    difference = np.abs(ours.astype(int) - np.asarray(theirs))
    assert difference.max() <= 3 and difference.mean() < 0.5


def test_any_leading_axes():
    images = noise(2, 3, 12, 12, 3)
    resized = resize_squares(images, 8)
    assert resized.shape == (2, 3, 8, 8, 3)
    np.testing.assert_array_equal(
        resized[1, 2], resize_squares(images[1, 2], 8)
    )
    assert resize_squares(images, 12) is images


def test_plain_areas_stay():
    for value in (0, 1, 127, 255):
        image = np.full((20, 20, 3), value, "uint8")
        np.testing.assert_array_equal(resize_squares(image, 13), value)


@pytest.mark.parametrize("size", [12, 30])
def test_the_pipeline_gives_the_same_bytes(size):
    store = ImageStore.from_images(
        [noise(24, 31, 3), noise(26, 24, 3)], [0, 1], ["a", "b"]
    )
    arrays, _ = evaluation_arrays(store, 24, size)
    batch, _ = next(iter(evaluation_dataset(store, 24, 2, size)))
    np.testing.assert_array_equal(arrays, batch)
