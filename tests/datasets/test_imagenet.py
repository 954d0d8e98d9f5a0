import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_artkd.data.images import centre_square, read_image
from keras_artkd.data.pipeline import (
    evaluation_arrays,
    evaluation_dataset,
    training_dataset,
)
from keras_artkd.data.store import ImageStore
from keras_artkd.data.stream import ImageStream
from keras_artkd.datasets import load
from keras_artkd.datasets.imagenet import prepare_imagenet
from keras_artkd.datasets.tfds.builders import find_builder
from keras_artkd.deploy.export.run import choose_calibration_images
from tests.datasets.archives import SYNSETS, make_imagenet, noise_jpeg

OPTIONS = {"short_side": 36, "validation_fraction": 0.2}


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return make_imagenet(tmp_path_factory.mktemp("archives"))


@pytest.fixture(scope="module")
def prepared(archives, tmp_path_factory):
    """TFDS directory, train in four files."""
    root = tmp_path_factory.mktemp("tfds")
    find_builder("imagenet2012", root).download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=archives, num_shards=4
        )
    )
    return root


@pytest.fixture(scope="module")
def data(prepared):
    return load("imagenet", data_dir=prepared, **OPTIONS)


def index_files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("*.npz")}


def test_splits(data):
    assert data.class_names == sorted(SYNSETS)
    assert isinstance(data.train, ImageStream)
    assert isinstance(data.validation, ImageStore)
    assert isinstance(data.test, ImageStore)
    # Of 40 train images, one is in test, three cannot be read.
    sizes = [len(data.train), len(data.validation), len(data.test)]
    assert sizes == [28, 8, 4]
    assert np.bincount(data.validation.labels).tolist() == [2, 2, 2, 2]
    assert np.bincount(data.test.labels).tolist() == [1, 1, 1, 1]
    for store in (data.train, data.validation):
        for key, label in zip(store.keys, store.labels, strict=True):
            assert key.startswith(data.class_names[label])
    assert not {*data.train.keys} & {*data.validation.keys}
    reasons = {item.key: item.reason for item in data.skipped}
    assert sorted(reasons) == [
        "n01751748_3.JPEG",
        "n04263257_8.JPEG",
        "n04263257_9.JPEG",
        "n09193705_9.JPEG",
    ]
    assert "as ILSVRC2012_val_00000002.JPEG of" in reasons["n01751748_3.JPEG"]
    assert "truncated" in reasons["n04263257_8.JPEG"]
    assert "no image" in reasons["n04263257_9.JPEG"]
    assert reasons["n09193705_9.JPEG"] == "not JPEG but PNG"


def test_test_images_are_the_pixels_that_a_prediction_sees(data):
    assert data.test.sizes.tolist() == [[36, 36]] * 4
    for i in range(4):
        key = f"ILSVRC2012_val_{i + 1:08d}.JPEG"
        row = data.test.keys.tolist().index(key)
        assert data.class_names[data.test.labels[row]] == SYNSETS[i]
        whole = read_image(noise_jpeg(i, (60, 49 + 4 * i)), 36)
        np.testing.assert_array_equal(
            data.test.image(row), centre_square(whole, 36)
        )
        images, _ = evaluation_arrays(data.test, 32)
        np.testing.assert_array_equal(images[row], centre_square(whole, 32))


def test_held_out_images_may_be_on_disk(data, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_artkd.datasets.image_cache.BUDGET", 1000)
    kept = load("imagenet", data_dir=prepared, cache_dir=tmp_path, **OPTIONS)
    for split in ("validation", "test"):
        one, two = getattr(kept, split), getattr(data, split)
        assert two.in_memory and not one.in_memory
        assert one.keys.tolist() == two.keys.tolist()
        assert one.labels.tolist() == two.labels.tolist()
        for row in range(len(two)):
            np.testing.assert_array_equal(one.image(row), two.image(row))
    assert kept.fingerprint() == data.fingerprint()


def test_the_runner_needs_no_more_of_a_split(data):
    batches = training_dataset(data.train, 32, 8, seed=0, epochs=2)
    batches = list(batches)
    assert len(batches) == 2 * (28 // 8)
    for images, labels in batches:
        assert images.shape == (8, 32, 32, 3) and images.dtype == "float32"
        assert labels.shape == (8,) and labels.dtype == "int32"
    images = choose_calibration_images(data.train, 32, 32)
    assert images.shape == (28, 32, 32, 3) and images.dtype == "uint8"
    images, labels = next(iter(evaluation_dataset(data.validation, 32, 8)))
    assert images.shape == (8, 32, 32, 3)


def test_the_index_is_made_once_and_the_splits_stay(data, prepared):
    folder = prepared / "imagenet2012/5.1.0/keras_artkd_index"
    marks = index_files(folder)
    assert len(marks) == 8
    again = load("imagenet", data_dir=prepared, **OPTIONS)
    assert again.fingerprint() == data.fingerprint()
    assert index_files(folder) == marks
    other = load("imagenet", data_dir=prepared, split_seed=1, **OPTIONS)
    assert other.fingerprint() != data.fingerprint()


def test_the_fingerprint_sees_what_is_streamed(data):
    changed = data.train.digests.copy()
    changed[0] = b"0" * 32
    train = dataclasses.replace(data.train, digests=changed)
    other = dataclasses.replace(data, train=train)
    assert other.fingerprint() != data.fingerprint()


def test_a_limit_reads_no_more_files_than_it_needs(prepared, tmp_path):
    data = load(
        "imagenet", data_dir=prepared, limit=15, cache_dir=tmp_path, **OPTIONS
    )
    assert len(data.train) + len(data.validation) + len(data.test) == 15
    names = [path.name for path in index_files(tmp_path / "keras_artkd_index")]
    assert sum("train" in name for name in names) == 2
    with pytest.raises(ValueError, match="at least one example of each"):
        load("imagenet", data_dir=prepared, limit=5, **OPTIONS)


def test_archives_are_prepared_once(archives, data, tmp_path):
    options = {"data_dir": archives, "cache_dir": tmp_path, **OPTIONS}
    first = load("imagenet", **options)
    assert {*first.train.keys} == {*data.train.keys}
    (folder,) = tmp_path.glob("*/imagenet2012/5.1.0")
    marks = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert load("imagenet", **options).fingerprint() == first.fingerprint()
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert after == marks


def test_missing_archives(archives, tmp_path):
    match = "ILSVRC2012_img_train.tar and .*_val.tar.*holds: {}.*register at"
    with pytest.raises(ValueError, match=match.format("nothing, it is empty")):
        load("imagenet", data_dir=tmp_path)
    with pytest.raises(ValueError, match="directory does not exist"):
        load("imagenet", data_dir=tmp_path / "absent")
    shutil.copy(archives / "ILSVRC2012_img_train.tar", tmp_path)
    match = match.format("ILSVRC2012_img_train.tar")
    with pytest.raises(ValueError, match=match):
        load("imagenet", data_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [
        "ILSVRC2012_img_train.tar"
    ]


@pytest.mark.parametrize(
    "options, match",
    [
        ({"data_dir": None}, "ILSVRC2012_img_train.tar"),
        ({"short_side": None}, "short_side=None. Fix: a number"),
        ({"group": "artist"}, "knows no artists"),
        ({"classes": 3}, r"\['validation_fraction'\].*classes"),
        ({"validation_fraction": 1}, "validation_fraction=1"),
    ],
)
def test_mistakes(prepared, options, match):
    with pytest.raises(ValueError, match=match):
        load("imagenet", **{"data_dir": prepared, **OPTIONS, **options})


def test_prepared_data_must_be_whole(archives, prepared, tmp_path):
    shutil.copytree(prepared, tmp_path / "damaged")
    path = next(tmp_path.glob("damaged/imagenet2012/*/*train*00001-of*"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="damaged file.*00001-of.*prepare"):
        load("imagenet", data_dir=tmp_path / "damaged", **OPTIONS)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(archives / "ILSVRC2012_img_val.tar", alone)
    find_builder("imagenet2012", alone).download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=alone)
    )
    with pytest.raises(
        ValueError, match="train and validation.*with validation as"
    ):
        prepare_imagenet(alone)
