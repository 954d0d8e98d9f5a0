"""Model files from elsewhere: what they say of themselves is not trusted."""

import json
import pathlib
import shutil
import tracemalloc
import zipfile

import keras
import numpy as np
import pytest

from keras_artkd import Distiller
from keras_artkd.cli.main import main
from keras_artkd.deploy.formats import open_model
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.deploy.model_info import (
    CARD,
    INFO,
    MAX_BYTES,
)
from keras_artkd.deploy.predict import Classifier
from keras_artkd.models.keras_file import load_network
from tests.deploy.classifiers import CLASSES, FILES, write_image

SETTINGS = {"class_names": CLASSES, "image_size": 8, "short_side": 9}
IMAGES = np.zeros((2, 8, 8, 3), "uint8")


def with_info(path, text, card="", folder=None):
    """A copy of a model that says something else of itself."""
    copy = pathlib.Path(folder, path.name)
    if path.is_dir():
        shutil.copytree(path, copy)
        (copy / "assets.extra" / INFO).write_text(text)
        (copy / "assets.extra" / CARD).write_text(card)
    elif path.suffix == ".onnx":
        import onnx

        model = onnx.load(path)
        for entry in model.metadata_props:
            if entry.key == INFO:
                entry.value = text
        onnx.save(model, copy)
    elif path.suffix == ".tflite":
        content = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            start = min(item.header_offset for item in archive.infolist())
        copy.write_bytes(content[:start])
        with zipfile.ZipFile(copy, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(INFO, text)
            archive.writestr(CARD, card)
    else:
        with (
            zipfile.ZipFile(path) as old,
            zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for name in old.namelist():
                if name not in (INFO, CARD):
                    new.writestr(name, old.read(name))
            new.writestr(INFO, text)
            new.writestr(CARD, card)
    return copy


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": 5},
        {"class_names": "abc"},
        {"class_names": ["a", 2, "c"]},
        {"class_names": ["a" * 1001, "b", "c"]},
        {"short_side": 40000},
        {"short_side": "9"},
        {"image_size": 8.0},
        {"image_size": True, "short_side": True},
        {"unknown": 1},
    ],
)
def test_settings_of_a_wrong_kind(classifiers, tmp_path, name, changes):
    text = json.dumps(SETTINGS | changes)
    path = with_info(classifiers[name], text, folder=tmp_path)
    with pytest.raises(
        ValueError, match=r"damaged \(.*export it again"
    ) as told:
        open_model(path)
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("text", ["5", "[]", "[" * 100_000, '{"a":1', "1e999"])
def test_settings_that_are_none(classifiers, tmp_path, name, text):
    path = with_info(classifiers[name], text, folder=tmp_path)
    with pytest.raises(ValueError, match="damaged"):
        open_model(path)


@pytest.mark.parametrize("name", ["c.tflite", "c.keras", "c_saved_model"])
@pytest.mark.parametrize(
    "where", [INFO, pytest.param(CARD, marks=pytest.mark.exhaustive)]
)
def test_a_text_that_would_fill_the_memory(classifiers, tmp_path, name, where):
    huge = " " * (64 * MAX_BYTES)
    settings = json.dumps(SETTINGS)
    texts = (settings + huge, "") if where == INFO else (settings, huge)
    path = with_info(classifiers[name], *texts, folder=tmp_path)
    open_model(classifiers[name])  # What libraries need once.
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"{where} .* more than 4,194,304"):
        open_model(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MAX_BYTES


def test_weights_that_would_fill_the_memory(classifiers, tmp_path):
    path = tmp_path / "c.keras"
    shutil.copy(classifiers["c.keras"], path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.h5", bytes(200 * 2**20))
    with pytest.raises(ValueError, match="more than a network of its size"):
        open_model(path)


def with_units(network, path, units):
    """A file of a network, whose layer of 7 units is to have more."""
    network.save(path)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    text = content["config.json"].decode()
    assert text.count('"units": 7,') == 1
    text = text.replace('"units": 7,', f'"units": {units},')
    text = text.replace("[null, 7]", f"[null, {units}]")
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in (content | {"config.json": text.encode()}).items():
            archive.writestr(name, value)
    return path


def large_layer(*last):
    layers = [keras.layers.Flatten(), keras.layers.Dense(7)]
    layers += [keras.layers.Dense(3), *last]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


def test_settings_that_ask_for_more_weights_than_there_are(tmp_path):
    """Before any is made: there is not so much memory."""
    path = with_units(large_layer(), tmp_path / "c.keras", 10**9)
    message = "asks for 192,000,000,000 weights or more.* take [0-9,]+ bytes"
    with pytest.raises(ValueError, match=message) as told:
        open_model(path)
    assert str(told.value).count("Fix: ") == 1
    with pytest.raises(ValueError, match=message):
        load_network(path)
    # Nor afterwards, as Keras does with what a scope has left.
    with keras.StatelessScope():
        pass
    assert (
        open_model(
            with_units(large_layer(), tmp_path / "fair.keras", 7)
        ).num_classes
        == 3
    )


def test_a_large_network_that_is_asked_while_it_is_made(tmp_path):
    """A distiller looks at its networks' answers, which takes their weights."""
    network = large_layer(keras.layers.Rescaling(0.5))
    distiller = Distiller(network)
    path = with_units(distiller, tmp_path / "d.keras", 10**9)
    with pytest.raises(ValueError, match="asks for 19"):
        open_model(path)


HOSTILE = ["\x1b[2J\x1b]0;gone\x07", "two\nlines\r", "a\u202eb\u2066"]


@pytest.mark.parametrize("name", FILES)
def test_names_do_not_reach_the_terminal(classifiers, tmp_path, name, capsys):
    text = json.dumps(SETTINGS | {"class_names": HOSTILE})
    path = with_info(classifiers[name], text, folder=tmp_path)
    image = write_image(tmp_path / "red.png", (200, 0, 0))
    for words in (["--json"], []):
        assert main(["predict", str(path), str(image), *words]) == 0
        printed = capsys.readouterr().out
        assert r"\x1b[2J" in printed.replace("\\\\", "\\")
        assert all(c == "\n" or c.isprintable() for c in printed)
    # Marks of direction are part of names that are read from right to left.
    known = Classifier(path).info.class_names
    assert known[1:] == [r"two\nlines\r", HOSTILE[2]]


def test_what_is_damaged_is_told_with_its_name(classifiers, tmp_path):
    for content in (b"", b"garbage" * 100):
        for name in ("c.tflite", "c.keras", "c.onnx"):
            path = tmp_path / name
            path.write_bytes(content)
            with pytest.raises(
                ValueError, match=f"{name} .*if it is damaged"
            ) as told:
                open_model(path)
            assert str(told.value).count("Fix: ") == 1
    with pytest.raises(ValueError, match=r"c\.tflite .*if it is damaged"):
        LiteModel(tmp_path / "c.tflite")


def test_a_model_that_opens_and_does_not_run(classifiers, monkeypatch):
    model = open_model(classifiers["c.tflite"])

    def fail(*arguments):
        raise RuntimeError("node number 3 failed\nto invoke")

    monkeypatch.setattr(model, "_run", fail)
    with pytest.raises(ValueError, match=r"cannot be run.*c.tflite \(node.*to"):
        model.predict(IMAGES)
    monkeypatch.setattr(model, "_run", lambda images: np.zeros((1, 7)))
    with pytest.raises(ValueError, match=r"3 numbers.*\(1, 7\)"):
        model.predict(IMAGES)
