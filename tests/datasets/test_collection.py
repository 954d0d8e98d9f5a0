import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_artkd.data.store import ImageStore
from keras_artkd.datasets import atelier, load
from keras_artkd.datasets.collection import collect
from keras_artkd.datasets.examples import (
    Examples,
    Loaded,
    drop_leaks,
    limit_parts,
)

SPLITS = ("train", "validation", "test")


def stores(data):
    return {name: getattr(data, name) for name in SPLITS}


def keys(data):
    return {name: set(s.keys.tolist()) for name, s in stores(data).items()}


@pytest.fixture
def folder(tmp_path, picture):
    root = tmp_path / "images"
    for style, number in (("Baroque", 30), ("Cubism", 20), ("Rococo", 10)):
        for i in range(number):
            picture(root / style / f"{style}-artist{i % 7}_{i}.jpg")
    return root


def test_folder(folder):
    data = load("folder", data_dir=folder, short_side=16)
    assert data.name == "folder"
    assert data.class_names == ["Baroque", "Cubism", "Rococo"]
    counts = [np.bincount(s.labels).tolist() for s in stores(data).values()]
    assert counts[0] == [21, 14, 7]
    assert np.sum(counts) == 60
    assert np.abs(np.subtract(counts[1:], [4.5, 3, 1.5])).max() < 1
    for name, store in stores(data).items():
        assert (store.sizes.min(axis=1) == 16).all()
        assert len(data.groups[name]) == len(store)
        assert store.pixels.shape == (store.sizes.prod(1).sum(), 3)
        for key, label in zip(store.keys, store.labels, strict=True):
            assert key.startswith(data.class_names[label])
    assert data.skipped == []


def test_folder_is_reproducible_and_seeded(folder):
    first = keys(load("folder", data_dir=folder, short_side=16))
    again = keys(load("folder", data_dir=folder, short_side=16))
    other = keys(load("folder", data_dir=folder, short_side=16, split_seed=1))
    assert first == again
    assert first["test"] != other["test"]
    assert set().union(*first.values()) == set().union(*other.values())


def test_artists_are_kept_apart_on_request(folder):
    data = load("folder", data_dir=folder, short_side=16, group="artist")
    groups = [set(data.groups[name]) for name in SPLITS]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    for store in stores(data).values():
        assert set(store.labels.tolist()) == {0, 1, 2}
    mixed = load("folder", data_dir=folder, short_side=16)
    assert set(mixed.groups["train"]) & set(mixed.groups["test"])


def test_artists_need_names_that_say_them(tmp_path, picture):
    for i in range(20):
        picture(tmp_path / f"class{i % 2}" / f"{i}.jpg")
    with pytest.raises(ValueError, match="<artist>_<title>"):
        load("folder", data_dir=tmp_path, group="artist")


def test_equal_pictures_share_a_split_and_classes_may_vanish(folder, picture):
    """Six Baroque pictures also filed under Cubism, one in Rococo twice."""
    for i in range(6):
        shutil.copy(
            folder / f"Baroque/Baroque-artist{i}_{i}.jpg",
            folder / f"Cubism/again-{i}.jpg",
        )
    shutil.copy(
        folder / "Rococo/Rococo-artist0_0.jpg", folder / "Rococo/twice.jpg"
    )
    (folder / "Acme").mkdir()
    (folder / "Acme" / "a_b.jpg").write_bytes(b"no picture")
    data = load("folder", data_dir=folder, short_side=16)
    assert data.class_names == ["Baroque", "Cubism", "Rococo"]
    assert set(data.train.labels.tolist()) == {0, 1, 2}
    reasons = {item.key: item.reason for item in data.skipped}
    assert "no image" in reasons["Acme/a_b.jpg"]
    assert "same picture" in reasons["Rococo/twice.jpg"]
    where = {k: name for name, part in keys(data).items() for k in part}
    assert "Rococo/twice.jpg" not in where
    for i in range(6):
        assert "label conflicts" in reasons[f"Cubism/again-{i}.jpg"]
        assert (
            where[f"Cubism/again-{i}.jpg"]
            == where[f"Baroque/Baroque-artist{i}_{i}.jpg"]
        )


@pytest.mark.parametrize("split_seed", range(3))
def test_a_picture_and_its_mirror_image_share_a_split(folder, split_seed):
    """Training mirrors images: in another split, it would know them."""
    sources = sorted((folder / "Baroque").iterdir())
    for path in sources:
        with Image.open(path) as image:
            mirrored = ImageOps.mirror(image)
        mirrored.save(path.with_name(f"mirrored-{path.stem}.png"))
    data = load("folder", data_dir=folder, short_side=16, split_seed=split_seed)
    assert data.skipped == []
    where = {k: name for name, part in keys(data).items() for k in part}
    for path in sources:
        assert (
            where[f"Baroque/mirrored-{path.stem}.png"]
            == where[f"Baroque/{path.name}"]
        )


def test_limit_keeps_shares(folder):
    data = load("folder", data_dir=folder, short_side=16, limit=24)
    labels = np.concatenate([s.labels for s in stores(data).values()])
    assert np.bincount(labels).tolist() == [12, 8, 4]
    assert [len(s) for s in stores(data).values()] == [16, 4, 4]
    with pytest.raises(ValueError, match="limit=2"):
        load("folder", data_dir=folder, limit=2)
    with pytest.raises(ValueError, match="validation, test empty.*limit"):
        load("folder", data_dir=folder, limit=3)


def test_folder_without_readable_images(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_bytes(b"junk")
    with pytest.raises(ValueError, match="none of 2 can.*no image"):
        load("folder", data_dir=tmp_path)


def test_atelier_splits_by_scene(monkeypatch):
    """With a stand-in for the painter, which has tests of its own."""

    def generate(scenes, size, seed=0, processes=None):
        rng = np.random.default_rng(seed)
        numbers = np.repeat(np.arange(scenes), 2).astype("int32")
        images = rng.integers(0, 256, (2 * scenes, size, size, 3), "uint8")
        labels = np.tile([0, 1], scenes).astype("int32")
        return images, labels, numbers

    monkeypatch.setattr(atelier, "generate", generate)
    monkeypatch.setattr(atelier, "STYLES", ("ink", "oil"))
    data = load("atelier", scenes=40, short_side=20)
    assert data.class_names == ["ink", "oil"]
    assert [len(s) for s in stores(data).values()] == [56, 12, 12]
    scenes = [set(data.groups[name]) for name in SPLITS]
    assert [len(part) for part in scenes] == [28, 6, 6]
    assert len(set().union(*scenes)) == 40
    assert data.train.sizes.tolist() == [[20, 20]] * 56
    with pytest.raises(ValueError, match="no artists"):
        load("atelier", group="artist")
    with pytest.raises(ValueError, match="short_side=None"):
        load("atelier", short_side=None)


def examples(digests, groups=None, prefix="k"):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (len(digests), 3, 4, 3), dtype="uint8")
    names = [f"{prefix}{i}" for i in range(len(digests))]
    return Examples(
        ImageStore.from_images(images, np.arange(len(digests)) % 2, names),
        groups or names,
        list(digests),
    )


def test_take_keeps_everything_together():
    whole = examples("abcd")
    part = whole.take([3, 1])
    assert part.store.keys.tolist() == part.groups == ["k3", "k1"]
    assert part.digests == ["d", "b"] and part.store.labels.tolist() == [1, 1]
    np.testing.assert_array_equal(
        part.store.pixels,
        np.concatenate([whole.store.pixels[36:48], whole.store.pixels[12:24]]),
    )
    assert len(whole.take([])) == 0


def test_leaks_are_dropped_before_the_test_split():
    parts = {
        "train": examples("abcd", prefix="train"),
        "validation": examples("bef", prefix="validation"),
        "test": examples("cf", prefix="test"),
    }
    clean, skipped = drop_leaks(parts)
    assert [clean[name].digests for name in SPLITS] == [
        ["a", "d"],
        ["b", "e"],
        ["c", "f"],
    ]
    assert {item.key: item.reason.split()[3] for item in skipped} == {
        "train1": "validation0",
        "train2": "test0",
        "validation2": "test1",
    }


def test_limit_of_fixed_splits():
    parts = {name: examples(range(20), prefix=name) for name in SPLITS}
    limited = limit_parts(parts, 12, 0)
    for part in limited.values():
        assert np.bincount(part.store.labels).tolist() == [2, 2]
    assert limit_parts(parts, None, 0) is parts


@pytest.mark.parametrize("kind", ["digests", "groups"])
def test_a_leak_is_an_internal_error(kind):
    parts = {
        name: examples(
            [f"{name}0", f"{name}1"], [f"{name}2", f"{name}3"], prefix=name
        )
        for name in SPLITS
    }
    loaded = Loaded(["a", "b"], parts, [])
    assert collect("x", loaded, by_group=True)
    getattr(parts["test"], kind)[0] = getattr(parts["train"], kind)[1]
    with pytest.raises(RuntimeError, match=f"train and test.*{kind}"):
        collect("x", loaded, by_group=True)
    if kind == "groups":
        assert collect("x", loaded, by_group=False)
