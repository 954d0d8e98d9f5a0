"""Pictures of folders come from their files, of arrays from memory."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_artkd import datasets
from keras_artkd.data.images import UnreadableImage
from keras_artkd.label.pictures import Pictures
from tests.images import write_folder


def size(content):
    return Image.open(io.BytesIO(content)).size


def test_hidden_labels_and_another_folder(tmp_path):
    labelled = write_folder(tmp_path / "labelled")
    others = write_folder(tmp_path / "others", each=2)
    load = {
        "name": "folder",
        "data_dir": str(labelled),
        "short_side": 18,
        "unlabelled": 0.5,
        "unlabelled_dir": str(others),
    }
    Image.new("RGB", (90, 60), "green").save(others / "blue" / "0.png")
    keys = datasets.load(**load).unlabelled.keys.tolist()
    pictures = Pictures(load, keys)
    for key in keys:
        wide = key == "unlabelled/blue/0.png"
        # As the file is, not as the training sees it.
        assert size(pictures.read(key)) == ((90, 60) if wide else (52, 40))
    with pytest.raises(UnreadableImage, match="no such file"):
        pictures.read("../others/blue/0.png")
    shutil.rmtree(others)
    with pytest.raises(OSError):
        Pictures(load, keys)
    others.mkdir()
    assert Pictures(load, keys).read(keys[0])
    shutil.rmtree(labelled / "blue")
    (labelled / "blue").mkdir()
    with pytest.raises(ValueError, match="where they were.*of 1 in .*others"):
        Pictures({**load, "unlabelled": 0.0}, ["unlabelled/blue/0.png"])


def test_arrays(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 20, 24, 3), "uint8")
    np.savez(
        tmp_path / "x.npz",
        x_train=images[:30],
        y_train=np.arange(30) % 2,
        x_test=images[30:],
        y_test=np.arange(10) % 2,
        class_names=["a", "b"],
    )
    load = {
        "name": "npz",
        "data_dir": str(tmp_path / "x.npz"),
        "short_side": None,
        "unlabelled": 0.5,
    }
    store = datasets.load(**load).unlabelled
    keys = store.keys.tolist()
    pictures = Pictures(load, keys)
    shown = Image.open(io.BytesIO(pictures.read(keys[2])))
    assert shown.size == (24, 20)
    # JPEG changes noise, but not which picture it is.
    others = [np.abs(np.asarray(shown) - 1.0 * store.image(i)) for i in (2, 3)]
    assert others[0].mean() < 0.7 * others[1].mean()
