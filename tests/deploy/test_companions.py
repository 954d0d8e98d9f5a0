"""What lies beside a run's LiteRT files, for who takes them elsewhere."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_artkd.data.store import ImageStore
from keras_artkd.deploy.companions import SCRIPT, write_companions
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.deploy.predict import Classifier
from keras_artkd.run_folder import RunFolder
from tests.data.pictures import smooth

PICTURES = ["upright.png", "turned.jpg", "transparent.png"]


def check_port(folder):
    """Ports the golden files back; returns the models that they are of."""
    golden = json.loads((folder.golden / "golden.json").read_text("utf-8"))
    assert list(golden["tensors"]) == PICTURES
    for model, answers in golden["probabilities"].items():
        classifier = Classifier(folder.path / model)
        assert golden["class_names"] == classifier.info.class_names
        for picture, tensor in golden["tensors"].items():
            pixels = np.load(folder.golden / tensor)
            assert pixels.dtype == np.uint8
            read = classifier.read(folder.golden / picture)
            np.testing.assert_array_equal(read[None], pixels)
            np.testing.assert_allclose(
                LiteModel(folder.path / model).predict(pixels)[0],
                answers[picture],
                atol=1e-6,
            )
    return set(golden["probabilities"])


def test_a_run_has_them(finished_run):
    folder = finished_run.plan.folder
    assert check_port(folder) == {"student.tflite", "student_int8.tflite"}
    assert folder.classify.read_bytes() == SCRIPT.read_bytes()


def test_pictures_need_every_step(finished_run):
    golden = finished_run.plan.folder.golden
    upright, turned, clear = (Image.open(golden / name) for name in PICTURES)
    short_side = 18
    assert upright.width > upright.height
    assert all(side % 2 for side in upright.size)
    assert min(upright.size) < short_side < min(turned.size)
    assert turned.getexif()[0x0112] == 6
    assert clear.mode == "RGBA" and clear.getextrema()[3] == (0, 255)
    assert clear.width > 2 * clear.height
    # Of the photograph's content: not one colour, not the same twice.
    tensors = [np.load(path) for path in golden.glob("*.npy")]
    assert all(np.std(tensor) > 10 for tensor in tensors)
    assert len({tensor.tobytes() for tensor in tensors}) == 3


@pytest.fixture
def folder(finished_run, tmp_path):
    """A folder with a run's LiteRT files alone."""
    run = finished_run.plan.folder
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    for path in run.path.glob("*.tflite"):
        shutil.copy(path, folder.path)
    return folder


# Pictures of any number and shape.
IMAGES = [smooth(18, 30), smooth(41, 18), smooth(18, 18)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_follows_the_files_that_are_there(folder, count):
    images = ImageStore.from_images(
        IMAGES[:count], np.zeros(count), [""] * count
    )
    (folder.path / "student_int8.tflite").rename(folder.path / "other.bin")
    write_companions(folder, images)
    assert check_port(folder) == {"student.tflite"}
    (folder.path / "other.bin").rename(folder.path / "student_int8.tflite")
    write_companions(folder, images)
    assert check_port(folder) == {"student.tflite", "student_int8.tflite"}


def test_nothing_without_a_file(folder):
    for path in folder.path.iterdir():
        path.unlink()
    images = ImageStore.from_images(IMAGES[:1], [0], [""])
    write_companions(folder, images)
    assert list(folder.path.iterdir()) == []
