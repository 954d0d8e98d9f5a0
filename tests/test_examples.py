"""The examples run."""

import pathlib
import runpy

import numpy as np
import pytest
from PIL import Image

from tests.test_readme import ROOT, step_eagerly

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture
def folder(tmp_path):
    """Two classes of plain colours with noise."""
    random = np.random.default_rng(0)
    for label, name in enumerate(("blue", "red")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(12):
            pixels = random.integers(0, 120, (20, 26, 3), dtype="uint8")
            pixels[..., 2 - 2 * label] += 120
            path = tmp_path / "images" / name / f"{index}.png"
            Image.fromarray(pixels).save(path)
    return tmp_path / "images"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_writes_a_file_that_names_its_classes(
    path, folder, tmp_path, monkeypatch
):
    step_eagerly(monkeypatch)
    output = pathlib.Path(tmp_path, "student.tflite")
    words = [str(path), str(folder), str(output), "--epochs", "1"]
    monkeypatch.setattr("sys.argv", words)
    runpy.run_path(str(path), run_name="__main__")
    from keras_artkd.deploy.predict import Classifier

    classifier = Classifier(output)
    assert classifier.info.class_names == ["blue", "red"]
