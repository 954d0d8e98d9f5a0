"""Photographs that TFDS downloads, from archives in the official layouts."""

import io
import shutil
import sys
import types

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from keras_artkd.datasets import load
from keras_artkd.datasets.tfds.builders import find_builder
from tests.datasets import archives

SPLITS = ("train", "validation", "test")


def reasons(items):
    return {item.key: item.reason for item in items}


def keys(data):
    return {name: set(getattr(data, name).keys.tolist()) for name in SPLITS}


def counts(data):
    return [np.bincount(getattr(data, name).labels).tolist() for name in SPLITS]


def imdecode(buffer, flags):
    """What TFDS needs of OpenCV for the masks of birds."""
    assert flags == 0
    return np.array(Image.open(io.BytesIO(buffer.tobytes())))


DOWNLOADED = {
    "cub200": ("caltech_birds2011", archives.make_birds),
    "stanford_dogs": ("stanford_dogs", archives.make_dogs),
}


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    """TFDS directory with both, prepared from archives that lie in it."""
    root = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        opencv = types.ModuleType("cv2")
        opencv.imdecode = imdecode
        patch.setitem(sys.modules, "cv2", opencv)
        for name, (builder_name, make) in DOWNLOADED.items():
            manual = make(root / "downloads/manual")
            builder = find_builder(builder_name, root)
            # Their own sizes and check sums, in place of the official ones.
            ours = {
                url: tfds.core.download.checksums.compute_url_info(
                    manual / info.filename
                )
                for url, info in builder.url_infos.items()
            }
            with pytest.MonkeyPatch.context() as of_builder:
                of_builder.setattr(type(builder), "url_infos", ours)
                load(name, data_dir=root)
    shutil.rmtree(root / "downloads")
    return root


def test_cub200(downloaded):
    data = load("cub200", data_dir=downloaded, short_side=36)
    assert data.class_names == archives.BIRDS
    assert counts(data) == [[5, 7, 7], [1, 1, 1], [4, 4, 4]]
    assert {key.rpartition("/")[2][-10:-6] for key in data.test.keys} == {
        f"{i:04d}" for i in range(8, 12)
    }
    why = reasons(data.skipped)
    first, second = sorted(why)
    assert first.endswith(
        "001.Black_footed_Albatross/Black_footed_Albatross_0000_1.jpg"
    )
    assert "same picture as" in why[first]
    assert second.endswith("_0001_1.jpg") and "Truncated" in why[second]
    assert data.test.sizes.tolist() == [[36, 47]] * 12
    part = load("cub200", data_dir=downloaded, short_side=None, limit=18)
    assert data.class_names == part.class_names
    assert len(part.test) == 6
    assert (part.test.sizes == (40, 52)).all()


def test_stanford_dogs(downloaded, monkeypatch):
    data = load("stanford_dogs", data_dir=downloaded, short_side=36)
    assert data.class_names == [
        "Chihuahua",
        "soft-coated_wheaten_terrier",
        "African_hunting_dog",
    ]
    assert counts(data) == [[7, 7, 7], [1, 1, 1], [4, 4, 4]]
    assert data.skipped == []
    for store in (data.train, data.test):
        for key, label in zip(store.keys, store.labels, strict=True):
            assert data.class_names[label] in key
    # TFDS's own directory is the default.
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(downloaded))
    assert load("stanford_dogs", short_side=36).fingerprint() == (
        data.fingerprint()
    )


def test_downloads_that_fail(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionError("no network")

    manager = tfds.download.DownloadManager
    monkeypatch.setattr(manager, "download", fail)
    match = (
        "stanford_dogs must be.*no network.*official annotation.tar, "
        "images.tar, lists.tar into .*manual, or give another directory.$"
    )
    with pytest.raises(ValueError, match=match):
        load("stanford_dogs", data_dir=tmp_path)
    # Said before the download, which is 1.2 GB.
    monkeypatch.setitem(sys.modules, "cv2", None)
    match = "cv2 must be installed.*pip install opencv-python-headless"
    with pytest.raises(ImportError, match=match):
        load("cub200", data_dir=tmp_path)
    assert not list(tmp_path.glob("caltech*"))


@pytest.mark.parametrize("name", list(DOWNLOADED))
def test_mistakes_come_to_light_before_the_download(name, tmp_path):
    with pytest.raises(ValueError, match="knows no artists"):
        load(name, data_dir=tmp_path, group="artist")
    with pytest.raises(ValueError, match="validation_fraction=0"):
        load(name, data_dir=tmp_path, validation_fraction=0)
    with pytest.raises(ValueError, match=r"\['validation_fraction'\].*classes"):
        load(name, data_dir=tmp_path, classes=3)
