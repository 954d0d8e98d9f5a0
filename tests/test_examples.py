"""The examples run."""

import pathlib
import runpy

import pytest

from tests.images import write_folder
from tests.test_readme import ROOT, step_eagerly

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_writes_a_file_that_names_its_classes(path, tmp_path, monkeypatch):
    step_eagerly(monkeypatch)
    folder = write_folder(tmp_path / "images")
    output = pathlib.Path(tmp_path, "student.tflite")
    words = [str(path), str(folder), str(output), "--epochs", "1"]
    monkeypatch.setattr("sys.argv", words)
    runpy.run_path(str(path), run_name="__main__")
    from keras_artkd.deploy.predict import Classifier

    classifier = Classifier(output)
    assert classifier.info.class_names == ["blue", "red"]
