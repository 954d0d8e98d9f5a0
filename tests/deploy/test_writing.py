"""Arguments, places and failures of exports; nothing is ever half written."""

import errno
import os
import tempfile

import keras
import numpy as np
import pytest

from keras_artkd.deploy import export
from keras_artkd.deploy.formats import converting
from keras_artkd.deploy.formats.writing import check_class_names
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.models import WideResNet, with_exits, with_rotations
from tests.deploy.networks import flat_network, written


@pytest.fixture
def small():
    return flat_network()


def test_class_names_are_those_of_upright_images():
    network = with_rotations(WideResNet(10, 1, 20, (16, 16, 3)))
    for model in (network, with_exits(network, "skdsam")):
        info = check_class_names(list("abcde"), model)
        assert info == ModelInfo(list("abcde"), 16, 18)
    assert check_class_names(None, network) is None


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["a", "b", "c"], "3 names, 4 classes"),
        ([], "0 names, 4 classes"),
        ("abcd", "list of str.*'abcd'"),
        ([0, 1, 2, 3], "list of str"),
    ],
)
def test_class_names_that_do_not_fit(small, tmp_path, names, match):
    for write, name in (
        (export.export_tflite, "m.tflite"),
        (export.export_onnx, "m.onnx"),
        (export.export_saved_model, "m"),
    ):
        with pytest.raises(ValueError, match=match):
            write(small, tmp_path / name, class_names=names)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(8, 9, 3), (8, 8, 1)])
def test_class_names_are_for_squares_in_colour(tmp_path, shape):
    inputs = keras.Input(shape)
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    with pytest.raises(ValueError, match=f"8 x {shape[1]} x {shape[2]}"):
        export.export_tflite(
            model, tmp_path / "m.tflite", class_names=["a", "b"]
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["saved_model", "tflite"])
def test_a_failed_export_leaves_what_was_there(
    small, tmp_path, monkeypatch, name
):
    path = written(small, tmp_path, name)
    before = export.verify(path, np.zeros((1, 8, 8, 3)), np.zeros((1, 4)))

    def fail(self, filepath, *args, **kwargs):
        if name == "saved_model":
            os.mkdir(filepath)
            filepath = os.path.join(filepath, "saved_model.pb")
        with open(filepath, "w") as file:
            file.write("half")
        os.write(2, b"the converter's last words")
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        if name == "saved_model":
            archive = type(keras.export.ExportArchive())
            patch.setattr(archive, "write_out", fail)
        else:
            patch.setattr(
                converting, "_convert", lambda folder, *a: fail(None, *a)
            )
        with pytest.raises(RuntimeError, match="disk full") as caught:
            written(small, tmp_path, name)
        assert "last words" in caught.value.__notes__[0]
    assert list(tmp_path.iterdir()) == [path]
    after = export.verify(path, np.zeros((1, 8, 8, 3)), np.zeros((1, 4)))
    assert after == before
    # And a good one replaces it.
    written(small, tmp_path, name)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["saved_model", "tflite"])
def test_unwritable_folder(small, tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="must be writable"):
        written(small, tmp_path / "file", name)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_locked_folder(small, tmp_path, monkeypatch):
    """Refused here by hand: no file permission binds the superuser."""

    def refuse(**kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(PermissionError, match="must be writable") as caught:
        export.export_tflite(small, tmp_path / "m.tflite")
    assert caught.value.filename == str(tmp_path / "m.tflite")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_things_is_not_replaced(small, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="would be lost"):
        export.export_saved_model(small, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"quantize": "int4"}, "none, float16, int8.*'int4'"),
        ({"quantize": "int8"}, "`calibration_images` must be given"),
        (
            {"quantize": "int8", "calibration_images": np.ones((2, 9, 9, 3))},
            r"\(n, 8, 8, 3\)",
        ),
        (
            {"quantize": "int8", "calibration_images": np.ones((2, 8, 8, 3))},
            "raw pixels.*multiply by 255",
        ),
        (
            {
                "quantize": "int8",
                "calibration_images": np.full((2, 8, 8, 3), np.nan),
            },
            "values from nan",
        ),
        ({"path": "m.bin"}, r"m\.tflite"),
    ],
)
def test_argument_errors(small, tmp_path, arguments, match):
    path = tmp_path / arguments.get("path", "m.tflite")
    others = {key: arguments[key] for key in arguments if key != "path"}
    with pytest.raises(ValueError, match=match):
        export.export_tflite(small, path, **others)
    assert not list(tmp_path.iterdir())


def test_model_errors(tmp_path):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    with pytest.raises(ValueError, match="static size"):
        export.export_saved_model(keras.Model(inputs, x), tmp_path / "a")
    unbuilt = keras.Sequential([keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="must map one image"):
        export.export_tflite(unbuilt, tmp_path / "a.tflite")
