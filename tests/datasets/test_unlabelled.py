"""Images without labels: a share of train, or a folder; never a leak."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_artkd.data.store import NO_LABEL, ImageStore
from keras_artkd.datasets import load
from keras_artkd.datasets.collection import collect
from keras_artkd.datasets.examples import Examples, Loaded
from keras_artkd.datasets.records import content_digest
from keras_artkd.datasets.unlabelled import hide_labels, join

SPLITS = ("train", "validation", "test")


def digests(store):
    return {content_digest(store.image(i)) for i in range(len(store))}


def of_splits(data):
    return set().union(*(digests(getattr(data, name)) for name in SPLITS))


@pytest.fixture
def folder(tmp_path, picture):
    root = tmp_path / "images"
    for style, number in (("Baroque", 30), ("Cubism", 20), ("Rococo", 10)):
        for i in range(number):
            picture(root / style / f"artist{i % 7}_{style}{i}.jpg")
    return root


@pytest.fixture
def others(tmp_path, picture):
    """Nine pictures that nobody labelled, some deep down."""
    for i in range(9):
        place = "a/b" if i % 3 else "."
        picture(tmp_path / "others" / place / f"unknown{i}_x.jpg")
    return tmp_path / "others"


def folder_of(data, root, split):
    """Files of a split, in the folder that it was loaded from."""
    return [root / str(key) for key in getattr(data, split).keys]


def test_a_share_of_train_does_without_labels(folder):
    whole = load("folder", data_dir=folder, short_side=16)
    data = load("folder", data_dir=folder, short_side=16, unlabelled=0.8)
    for split in ("validation", "test"):
        assert getattr(data, split).keys.tolist() == (
            getattr(whole, split).keys.tolist()
        )
    assert np.bincount(data.train.labels).tolist() == [4, 3, 1]
    assert len(data.train) + len(data.unlabelled) == len(whole.train)
    assert set(data.unlabelled.labels.tolist()) == {NO_LABEL}
    truth = dict(zip(whole.train.keys, whole.train.labels, strict=True))
    hidden = [truth[key] for key in data.unlabelled.keys]
    assert data.hidden_labels.tolist() == hidden
    assert not digests(data.unlabelled) & of_splits(data)


def test_the_share_is_seeded_and_known_by_the_fingerprints(folder):
    def loaded(**options):
        return load("folder", data_dir=folder, short_side=16, **options)

    first, again = loaded(unlabelled=0.5), loaded(unlabelled=0.5)
    assert first.fingerprint() == again.fingerprint()
    assert first.unlabelled_fingerprint() == again.unlabelled_fingerprint()
    other = loaded(unlabelled=0.5, split_seed=1)
    assert other.unlabelled.keys.tolist() != first.unlabelled.keys.tolist()
    whole = loaded()
    assert whole.unlabelled is whole.hidden_labels is None
    assert whole.unlabelled_fingerprint() is None
    assert whole.fingerprint() != first.fingerprint()


def examples(labels, contents):
    images = np.zeros((len(labels), 4, 4, 3), "uint8")
    images += np.asarray(contents, "uint8")[:, None, None, None]
    keys = [f"k{i}" for i in range(len(labels))]
    return Examples(
        ImageStore.from_array(images, labels, keys),
        keys,
        [content_digest(image) for image in images],
    )


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_every_class_keeps_a_label_and_copies_stay_together(share):
    """A class of one picture, one of a picture twice, and one they share."""
    labels = [0] * 20 + [1] + [2, 2] + [3, 3, 0]
    contents = [*range(20), 30, 40, 40, 50, 51, 51]
    train = examples(labels, contents)
    told, hidden = hide_labels(train, share, 0)
    assert set(told.store.labels.tolist()) == {0, 1, 2, 3}
    assert len(told) + len(hidden) == len(train) and len(hidden)
    assert not set(told.digests) & set(hidden.digests)


def test_nothing_to_hide():
    with pytest.raises(ValueError, match="unlabelled=0.5 of 3 images"):
        hide_labels(examples([0, 1, 2], [1, 2, 3]), 0.5, 0)


def test_a_folder_of_images(folder, others):
    (others / "a" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (others / "notes.txt").write_text("x")
    shutil.copy(others / "unknown0_x.jpg", others / "twice_x.jpg")
    options = {"data_dir": folder, "short_side": 16}
    data = load("folder", unlabelled_dir=others, **options)
    assert len(data.unlabelled) == 9
    assert "unlabelled/a/b/unknown1_x.jpg" in data.unlabelled.keys
    assert (data.unlabelled.sizes.min(axis=1) == 16).all()
    assert set(data.hidden_labels.tolist()) == {NO_LABEL}
    reasons = {item.key: item.reason for item in data.skipped}
    assert "cannot be decoded" in reasons["unlabelled/a/broken.jpg"]
    assert "by its extension" in reasons["unlabelled/notes.txt"]
    # The first of two is the one that stays.
    assert "same picture" in reasons["unlabelled/unknown0_x.jpg"]
    # The splits know nothing of it.
    whole = load("folder", **options)
    assert data.fingerprint() == whole.fingerprint()
    both = load("folder", unlabelled=0.5, unlabelled_dir=others, **options)
    known = both.hidden_labels != NO_LABEL
    assert known.sum() == len(both.unlabelled) - 9


def test_a_limit_is_one_of_the_folder_too(folder, others, picture):
    for i in range(20):
        picture(others / f"more{i}.jpg")
    options = {"data_dir": folder, "short_side": 16, "limit": 24}
    chosen = [
        load(
            "folder", unlabelled_dir=others, split_seed=seed, **options
        ).unlabelled.keys.tolist()
        for seed in (0, 0, 1)
    ]
    assert len(chosen[0]) == 24
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_no_picture_of_a_split_is_unlabelled(split, folder, others):
    """Copies of its pictures, renamed and elsewhere, are left out."""
    options = {"data_dir": folder, "short_side": 16}
    whole = load("folder", **options)
    planted = folder_of(whole, folder, split)
    for number, path in enumerate(planted):
        shutil.copy(path, others / "a" / f"mine{number}_y.jpg")
    for share in (0.0, 0.6):
        data = load(
            "folder", unlabelled=share, unlabelled_dir=others, **options
        )
        assert not digests(data.unlabelled) & of_splits(data)
        keys = [str(key) for key in data.unlabelled.keys]
        assert sum(key.startswith("unlabelled/") for key in keys) == 9
        reasons = {item.key: item.reason for item in data.skipped}
        for number in range(len(planted)):
            reason = reasons[f"unlabelled/a/mine{number}_y.jpg"]
            assert reason.startswith("same picture as")
            assert split in reason or "the unlabelled share" in reason


def test_no_mirror_image_of_a_test_picture_is_unlabelled(folder, others):
    options = {"data_dir": folder, "short_side": 16}
    planted = folder_of(load("folder", **options), folder, "test")
    for number, path in enumerate(planted):
        with Image.open(path) as image:
            mirrored = ImageOps.mirror(image)
        mirrored.save(others / f"mine{number}.png")
    data = load("folder", unlabelled_dir=others, **options)
    assert len(data.unlabelled) == 9 and len(data.skipped) == len(planted)


def test_artists_of_the_held_out_splits_are_left_out(folder, picture, others):
    options = {"data_dir": folder, "short_side": 16, "group": "artist"}
    whole = load("folder", **options)
    (held_out, *_), (learned, *_) = whole.groups["test"], whole.groups["train"]
    picture(others / f"{held_out}_new.jpg")
    picture(others / f"{learned}_new.jpg")
    data = load("folder", unlabelled_dir=others, **options)
    assert f"unlabelled/{learned}_new.jpg" in data.unlabelled.keys
    reasons = {item.key: item.reason for item in data.skipped}
    expected = f"its artist, {held_out}, is in test"
    assert reasons[f"unlabelled/{held_out}_new.jpg"] == expected


def test_beside_arrays_images_have_their_size(tmp_path, picture):
    """Copies are found whatever size the arrays are asked for."""
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (40, 20, 24, 3), "uint8"),
        "y_train": np.arange(40) % 2,
        "x_test": rng.integers(0, 256, (8, 20, 24, 3), "uint8"),
        "y_test": np.arange(8) % 2,
    }
    np.savez(tmp_path / "data.npz", **arrays)
    folder = tmp_path / "others"
    picture(folder / "new.jpg", size=(50, 60))
    for i, pixels in enumerate(arrays["x_test"]):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    for short_side in (None, 16):
        data = load(
            "npz",
            tmp_path / "data.npz",
            short_side=short_side,
            unlabelled_dir=folder,
        )
        assert data.unlabelled.keys.tolist() == ["unlabelled/new.jpg"]
        assert data.unlabelled.sizes.min() == (short_side or 20)
        assert len(data.skipped) == 8


def test_copies_in_an_archive_are_known(tmp_path, picture):
    """Though the archive is kept as other, smaller files."""
    root = tmp_path / "w"
    for style in ("Cubism", "Rococo"):
        for i in range(10):
            name = f"wikiart/{style}/a{i}_{i}.jpg"
            picture(root / name, size=(300, 340))
    options = {
        "data_dir": root,
        "short_side": 16,
        "cache_dir": tmp_path / "cache",
    }
    whole = load("wikiart", **options)
    others = tmp_path / "others"
    picture(others / "new.jpg", size=(300, 340))
    for i, key in enumerate(whole.test.keys):
        shutil.copy(root / "wikiart" / str(key), others / f"{i}.jpg")
    data = load("wikiart", unlabelled_dir=others, **options)
    assert data.unlabelled.keys.tolist() == ["unlabelled/new.jpg"]
    assert len(data.skipped) == len(whole.skipped) + len(whole.test)


def test_a_leak_is_an_internal_error():
    parts = {
        name: examples([0, 1], [place, place + 1])
        for place, name in zip((10, 20, 30), SPLITS, strict=True)
    }
    leaking = examples([NO_LABEL, NO_LABEL], [40, 31])
    loaded = Loaded(["a", "b"], parts, [])
    for part in (*parts.values(), leaking):
        part.groups[:] = [f"{part.digests[0]}{i}" for i in range(2)]
    with pytest.raises(RuntimeError, match="test and unlabelled.*digests"):
        collect("x", loaded, False, leaking)
    same_artist = dataclasses.replace(
        examples([NO_LABEL], [40]), groups=parts["test"].groups[:1]
    )
    assert collect("x", loaded, False, same_artist)
    with pytest.raises(RuntimeError, match="test and unlabelled.*groups"):
        collect("x", loaded, True, same_artist)


def test_names_that_are_there_twice():
    """Then nobody could tell which image a table means."""
    one, other = examples([0, 1], [1, 2]), examples([0, 1], [3, 4])
    with pytest.raises(ValueError, match="k0 twice. Fix: rename it"):
        join([one, other])


@pytest.mark.parametrize("name", ["unlabelled", "Unlabeled"])
@pytest.mark.parametrize("splits", [False, True])
def test_a_folder_beside_the_classes(name, splits, folder, others, picture):
    """It is no class, and its copies of test pictures are left out."""
    if splits:
        for split in ("train", "test"):
            for style in ("Baroque", "Cubism"):
                for i in range(8):
                    picture(folder / "s" / split / style / f"{split}{i}.jpg")
        folder = folder / "s"
    whole = load("folder", data_dir=folder, short_side=16)
    planted = folder_of(whole, folder, "test")
    inner = shutil.move(others, folder / name)
    shutil.copy(planted[0], inner / "mine.jpg")
    data = load("folder", data_dir=folder, short_side=16, unlabelled_dir=inner)
    assert data.class_names == whole.class_names
    assert data.fingerprint() == whole.fingerprint()
    assert len(data.unlabelled) == 9
    assert "unlabelled/a/b/unknown1_x.jpg" in data.unlabelled.keys
    assert not digests(data.unlabelled) & of_splits(data)
    reasons = {item.key: item.reason for item in data.skipped}
    assert "of test" in reasons["unlabelled/mine.jpg"]
    # Where nobody learns from it, it is named all the same.
    alone = load("folder", data_dir=folder, short_side=16)
    assert alone.fingerprint() == whole.fingerprint()
    assert [item.key for item in alone.skipped] == [name]
    picture(folder.parent / "more" / "x.jpg")
    with pytest.raises(ValueError, match=f"one folder.*more.*{name}.*join"):
        load(
            "folder",
            data_dir=folder,
            short_side=16,
            unlabelled_dir=folder.parent / "more",
        )
    (folder / "UNLABELLED").mkdir()
    with pytest.raises(ValueError, match="one folder.*UNLABELLED.*join them"):
        load("folder", data_dir=folder, short_side=16, unlabelled_dir=inner)


def test_mistakes(folder, others, tmp_path):
    def fails(message, name="folder", **options):
        with pytest.raises(ValueError, match=message):
            load(name, **{"data_dir": folder, "short_side": 16, **options})

    fails("at least 0 and less than 1.*unlabelled=1", unlabelled=1.0)
    fails("unlabelled=-0.1", unlabelled=-0.1)
    fails("does not exist", unlabelled_dir=tmp_path / "nowhere")
    fails("must lie outside.*move it", unlabelled_dir=folder / "Cubism")
    fails("in memory as a whole.*'imagenet'", "imagenet", unlabelled=0.5)
    (tmp_path / "empty").mkdir()
    fails("hold some that can be read", unlabelled_dir=tmp_path / "empty")
    shutil.copytree(folder, tmp_path / "same")
    fails("all left out, the first: same", unlabelled_dir=tmp_path / "same")
