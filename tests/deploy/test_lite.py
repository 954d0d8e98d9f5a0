"""A `.tflite` file is read on any machine, in batches of any size."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_artkd.deploy import lite
from keras_artkd.deploy.export import export_tflite

# For a process that has NumPy and ai-edge-litert, but not what exported.
ON_A_DEVICE = """
import sys
for name in ("absl", "keras", "PIL", "tensorflow"):
    sys.modules[name] = None
import numpy
from keras_artkd.deploy.lite import LiteModel
images = numpy.load(sys.argv[2])
numpy.save(sys.argv[3], LiteModel(sys.argv[1]).predict(images))
"""


def pixels(num_images):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (num_images, 8, 8, 3), "uint8")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Kind of file -> path; all of one untrained network."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )
    folder = tmp_path_factory.mktemp("files")
    return {
        kind: export_tflite(
            network, folder / f"{kind}.tflite", kind, calibration_images
        )
        for kind, calibration_images in (
            ("none", None),
            ("float16", None),
            ("int8", pixels(64)),
        )
    }


@pytest.mark.parametrize("kind", ["none", "float16", "int8"])
def test_any_batch_and_either_pixel_type(files, kind):
    images = pixels(37)
    model = lite.LiteModel(files[kind])
    answers = model.predict(images, batch_size=16)
    assert answers.dtype == np.float32 and answers.shape == (37, 4)
    assert answers.std() > 0.02
    same = model.predict(images.astype("float32"), batch_size=1)
    np.testing.assert_allclose(answers, same, atol=1e-5)


def test_needs_neither_keras_nor_tensorflow(files, tmp_path):
    images, answer = tmp_path / "images.npy", tmp_path / "answers.npy"
    np.save(images, pixels(5))
    subprocess.run(
        [sys.executable, "-c", ON_A_DEVICE] + [files["int8"], images, answer],
        check=True,
    )
    expected = lite.LiteModel(files["int8"]).predict(pixels(5))
    np.testing.assert_array_equal(np.load(answer), expected)


def test_errors(files, tmp_path, monkeypatch):
    model = lite.LiteModel(files["none"])
    with pytest.raises(ValueError, match=r"\(n, 8, 8, 3\)"):
        model.predict(np.zeros((8, 8, 3)))
    with pytest.raises(ValueError, match=r"\[0, 255\]"):
        model.predict(np.full((1, 8, 8, 3), -1.0))
    with pytest.raises(FileNotFoundError, match="missing"):
        lite.LiteModel(tmp_path / "missing.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ImportError, match=r"pip install ai-edge-litert"):
        lite.LiteModel(files["none"])
