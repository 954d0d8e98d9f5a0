"""A model and pictures for the samples of other programs."""

import keras
import numpy as np
import pytest
from keras.initializers import RandomNormal
from PIL import Image

from keras_artkd.deploy.export import export_tflite
from keras_artkd.deploy.formats import write_info
from keras_artkd.deploy.model_info import ModelInfo
from tests.data.pictures import smooth

CLASSES = ["red", "Jugendstil, um 1900", "浮世絵", "<b>bold</b>"]
INFO = ModelInfo(CLASSES, image_size=24, short_side=36, crop_size=32)


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A `.tflite` file that sees every pixel."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            keras.layers.Rescaling(1 / 255, -0.5),
            keras.layers.Flatten(),
            # So large that a filter of a resize can be told from another.
            keras.layers.Dense(
                len(CLASSES), kernel_initializer=RandomNormal(stddev=0.15)
            ),
        ]
    )
    folder = tmp_path_factory.mktemp("model")
    path = export_tflite(network, folder / "student.tflite")
    write_info(path, INFO)
    return path


def _detailed(height, width, seed):
    """Pixels in which the filter of a resize makes a difference."""
    cells = np.random.default_rng(seed).integers(
        -90, 91, (height // 3 + 1, width // 3 + 1, 3)
    )
    detail = cells.repeat(3, 0).repeat(3, 1)[:height, :width]
    pixels = smooth(height, width, seed) + detail
    return np.clip(pixels, 0, 255).astype("uint8")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Paths: larger, smaller, high, wide, and one that EXIF turns."""
    folder = tmp_path_factory.mktemp("pictures")
    sizes = ((101, 143), (27, 25), (90, 51), (60, 200))
    paths = [folder / f"{height}x{width}.png" for height, width in sizes]
    for seed, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        Image.fromarray(_detailed(*size, seed)).save(path)
    exif = Image.Exif()
    exif[0x0112] = 6
    paths.append(folder / "turned.jpg")
    turned = Image.fromarray(_detailed(80, 120, 9))
    turned.save(paths[-1], quality=95, exif=exif)
    assert len(np.unique([np.asarray(Image.open(p)).mean() for p in paths])) > 4
    return paths
