"""Requests that are rejected before anything is decoded."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

from keras_artkd.datasets import LOADERS, check_request, load
from keras_artkd.datasets.loaders import Loader

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@pytest.fixture
def folder(tmp_path, picture):
    """Two classes; all but two of the files are no images."""
    root = tmp_path / "images"
    for style in ("Baroque", "Rococo"):
        picture(root / style / "deep" / "0.jpg")
        (root / style / "1.jpg").write_bytes(b"junk")
    return root


def test_it_takes_the_arguments_of_load():
    first, second = (
        inspect.signature(function).parameters.values()
        for function in (load, check_request)
    )
    assert [str(p) for p in first] == [str(p) for p in second]


def test_a_request_has_them_all(folder):
    request = check_request("folder", folder, limit=5, group="artist")
    assert (request.name, request.data_dir) == ("folder", folder)
    assert (request.limit, request.split_seed) == (5, 0)
    assert request.by_artist and request.options == {}


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("mnist", {}, "cub200, .*, multitask_painting100k, tfds:NAME.*'mnist'"),
        ("folder", {"group": "hand"}, "group='hand'"),
        ("npz", {"group": "artist"}, "'npz' knows no artists.*Fix"),
        ("tfds:beans", {"group": "artist"}, "'tfds:beans' knows no artists"),
        ("folder", {"limit": 0}, "limit=0"),
        ("pandora18k", {}, "'pandora18k' needs `data_dir`"),
        ("atelier", {"scene": 3}, r"\['scenes'\].*scene"),
        ("atelier", {"short_side": None}, "short_side=None"),
        ("wikiart", {"offical": True}, r"\['official'\].*offical"),
        ("npz", {"validation_fraction": 1.0}, "validation_fraction=1.0"),
        ("cifar10", {"per_class": 1}, "per_class=1"),
        ("imagenet", {"unlabelled": 0.5}, "in memory as a whole"),
        ("folder", {"unlabelled": 1.0}, "unlabelled=1.0"),
        ("folder", {"unlabelled_dir": "nowhere"}, "'nowhere'.*not exist"),
        ("tfds:", {}, "`tfds:NAME` must name.*'tfds:'.*tfds:beans"),
    ],
)
def test_arguments(name, options, match):
    with pytest.raises(ValueError, match=match):
        check_request(name, **options)


@pytest.mark.parametrize("name", list(LOADERS))
def test_every_loader_explains_itself(name):
    loader = LOADERS[name]
    assert isinstance(loader, Loader)
    assert loader.load.__doc__ and loader.check.__doc__
    first, *own = inspect.signature(loader.load).parameters.values()
    assert first.name == "request"
    assert all(p.kind is p.KEYWORD_ONLY for p in own)


def test_folders(folder, tmp_path):
    check_request("folder", folder)
    with pytest.raises(ValueError, match="does not exist"):
        check_request("folder", tmp_path / "absent")
    with pytest.raises(OSError, match="a file that can be read"):
        check_request("folder", folder, exclude=tmp_path / "absent")
    (folder / "Rococo/1.jpg").unlink()
    (folder / "Rococo/deep/0.jpg").rename(folder / "Rococo/deep/0.txt")
    with pytest.raises(
        ValueError, match=r"\['Baroque'\] holds.*Rococo holds none"
    ):
        check_request("folder", folder)


def test_a_folder_is_not_read_to_its_end(folder, monkeypatch, picture):
    """A class is one as soon as it has an image."""
    for i in range(50):
        picture(folder / f"style{i}" / "0.jpg")
    seen = []
    monkeypatch.setattr(
        "keras_artkd.datasets.folder.is_image",
        lambda path: seen.append(path) or True,
    )
    check_request("folder", folder)
    assert len(seen) == 2


def test_arrays(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, **{name: np.zeros(1) for name in ARRAYS})
    for name in ("npz", "cifar10", "cifar100"):
        check_request(name, path)
    np.savez(path, **{name: np.zeros(1) for name in ARRAYS[1:]})
    for name in ("npz", "cifar10", "cifar100"):
        with pytest.raises(ValueError, match="without x_train"):
            check_request(name, path)


def test_what_is_downloaded(tmp_path):
    """It may go into a new folder, but not among somebody's pictures."""
    names = ("cifar10", "cub200", "stanford_dogs", "tfds:beans:0.*.*")
    for name in names:
        check_request(name)
        check_request(name, tmp_path / "new")
        check_request(name, tmp_path)
    (tmp_path / "Baroque").mkdir()
    for name in names:
        with pytest.raises(ValueError, match="Baroque and other.*artkd train"):
            check_request(name, tmp_path)
    with pytest.raises(ValueError, match="ILSVRC2012_img_train.tar"):
        check_request("imagenet", tmp_path)
    (tmp_path / "imagenet2012").mkdir()
    check_request("imagenet", tmp_path)


def test_it_needs_neither_keras_nor_tensorflow(folder, archive):
    calls = [
        ("folder", str(folder)),
        ("wikiart", str(archive("wikiart"))),
        ("mit67", str(archive("mit67"))),
        ("cifar10", None),
        ("tfds:beans", None),
        ("imagenet", None),
        ("atelier", None),
    ]
    code = f"""
import sys
from keras_artkd.datasets import check_request
for name, data_dir in {calls}:
    check_request(name, data_dir)
heavy = {{"keras", "tensorflow", "tensorflow_datasets"}} & {{*sys.modules}}
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
