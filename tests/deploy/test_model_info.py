"""A model file names its classes and its preprocessing, in every format."""

import json
import re
import zipfile

import keras
import numpy as np
import pytest

from keras_artkd.deploy.formats import open_model
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.deploy.model_info import (
    INFO as INFO_FILE,
)
from keras_artkd.deploy.model_info import (
    ModelInfo,
    read_archive,
    write_archive,
)
from keras_artkd.measure.metrics import softmax
from tests.deploy.classifiers import (
    CLASSES,
    FILES,
    INFO,
    make_colour_network,
)


@pytest.mark.parametrize("name", FILES)
def test_every_format_carries_it(classifiers, name):
    runtime = open_model(classifiers[name])
    assert runtime.info == INFO
    assert runtime.input_shape == (8, 8, 3)
    assert runtime.num_classes == 3
    images = np.full((2, 8, 8, 3), (0, 200, 90), "uint8")
    np.testing.assert_allclose(
        runtime.predict(images),
        softmax([[0, 6.25, 2.8125]] * 2),
        atol=0.002,
    )


def test_other_tools_find_the_labels(classifiers):
    """As TFLite's associated files: a ZIP archive inside the model file."""
    with zipfile.ZipFile(classifiers["c.tflite"]) as archive:
        assert archive.read("labels.txt").decode().split() == CLASSES
        assert archive.read("MODEL_CARD.md") == b"# A card\n"
    folder = classifiers["c_saved_model"] / "assets.extra"
    assert (folder / "labels.txt").read_text().split() == CLASSES


def test_the_settings_say_how_an_image_becomes_the_input(classifiers):
    settings = {}
    for name in ("c.tflite", "c.keras"):
        with zipfile.ZipFile(classifiers[name]) as archive:
            settings[name] = json.loads(archive.read("keras_artkd.json"))
    lite = settings["c.tflite"]
    sides = [
        step.get("shorter_side") or step.get("side")
        for step in lite["preprocessing"]
        if step["step"] in ("resize", "crop")
    ]
    assert sides == [None, 9, 8, 8]
    assert lite["input"]["shape"] == ["batch", 8, 8, 3]
    assert lite["output"]["meaning"].startswith("probabilities")
    assert settings["c.keras"]["output"]["meaning"].startswith("logits")


def test_it_says_how_a_file_was_calibrated():
    whole, parts = (
        ModelInfo(["a"], 8, 8, quantize=kind, calibration_images=count)
        for kind, count in (("none", 0), ("int8", 1256))
    )
    for info, words in ((whole, "none"), (parts, "static.* 1,256 training")):
        files = info.files()
        assert re.match(words, json.loads(files[INFO_FILE])["calibration"])
        assert ModelInfo.from_files(files) == info
    with pytest.raises(ValueError, match="calibration_images.*int >= 0.*-1"):
        ModelInfo(["a"], 8, 8, calibration_images=-1)


def test_the_files_stay_what_they_were(classifiers):
    images = np.full((1, 8, 8, 3), 100, "uint8")
    assert LiteModel(classifiers["c.tflite"]).predict(images).shape == (1, 3)
    loaded = keras.models.load_model(classifiers["c.keras"])
    assert loaded.predict(images.astype("float32"), verbose=0).shape == (1, 3)


def test_names_of_any_kind(tmp_path):
    names = ["Ukiyo-e 浮世絵", "two\nlines", 'quo"ted\\', "", " led by a space"]
    path = tmp_path / "m.tflite"
    path.write_bytes(b"no archive yet")
    write_archive(path, ModelInfo(names, 8, 8).files())
    assert read_archive(path).class_names == names
    with zipfile.ZipFile(path) as archive:
        assert len(archive.read("labels.txt").decode().splitlines()) == 5
        # No card, rather than an empty one.
        assert archive.namelist() == ["keras_artkd.json", "labels.txt"]


def test_no_info_is_none(tmp_path):
    path = tmp_path / "m.keras"
    make_colour_network().save(path)
    assert open_model(path).info is None
    (tmp_path / "m.tflite").write_bytes(b"no archive")
    assert read_archive(tmp_path / "m.tflite") is None


@pytest.mark.parametrize(
    "content", [b"{", b"{}", b'{"class_names": ["a"], "image_size": 0}']
)
def test_damaged(tmp_path, content):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("keras_artkd.json", content)
    with pytest.raises(ValueError, match="m.keras.*damaged.*export it again"):
        open_model(path)


def test_impossible_sizes():
    with pytest.raises(ValueError, match="crop_size=9, short_side=8"):
        ModelInfo(["a"], 9, 8)
