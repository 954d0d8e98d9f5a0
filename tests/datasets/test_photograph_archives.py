"""Archives of photographs with official splits, prepared and loaded."""

import io
import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from keras_artkd.datasets import load
from keras_artkd.datasets.archives.mit67 import index as mit67_index
from keras_artkd.datasets.archives.prepared import prepare_photographs
from keras_artkd.datasets.archives.stanford40 import index as stanford40_index
from keras_artkd.datasets.archives.tiny_imagenet import index as tiny_index
from tests.datasets import archives

SPLITS = ("train", "validation", "test")
INDICES = {
    "tiny_imagenet": tiny_index,
    "stanford40": stanford40_index,
    "mit67": mit67_index,
}
ARCHIVES = pytest.mark.parametrize("name", list(INDICES))


@pytest.fixture
def own(name, tmp_path):
    """An archive to be damaged."""
    return archives.MAKE[name](tmp_path / "own")


def reasons(items):
    return {item.key: item.reason for item in items}


def keys(data):
    return {name: set(getattr(data, name).keys.tolist()) for name in SPLITS}


def counts(data):
    return [np.bincount(getattr(data, name).labels).tolist() for name in SPLITS]


def test_tiny_imagenet(archive, cache):
    options = {"data_dir": archive("tiny_imagenet"), "cache_dir": cache}
    data = load("tiny_imagenet", short_side=18, **options)
    assert data.class_names == [
        "goldfish",
        "crane (n02012849)",
        "Egyptian cat",
        "crane (n03126707)",
    ]
    # Of the goldfish one is broken, one in test as well.
    assert counts(data) == [[7, 9, 9, 9], [1, 1, 1, 1], [3, 3, 3, 3]]
    assert keys(data)["test"] == {f"val_{i}.JPEG" for i in range(12)}
    for store in (data.train, data.validation):
        names = [key.partition("_")[0] for key in store.keys]
        wnids = ["n01443537", "n02012849", "n02124075", "n03126707"]
        assert names == [wnids[label] for label in store.labels]
    assert (data.test.sizes.min(axis=1) == 18).all()
    # By annotation and not by place: the wnids are not sorted.
    row = data.test.keys.tolist().index("val_3.JPEG")
    assert data.class_names[data.test.labels[row]] == "goldfish"
    why = reasons(data.skipped)
    assert "Truncated" in why["n01443537_3.JPEG"]
    assert "same picture as val_" in why["n01443537_5.JPEG"]
    assert why["val_12.JPEG"] == (
        "listed in val/val_annotations.txt, but not on disk"
    )
    assert "no class of wnids.txt" in why["val_13.JPEG"]
    assert len(why) == 4


def test_stanford40(archive, cache):
    options = {"data_dir": archive("stanford40"), "cache_dir": cache}
    data = load("stanford40", short_side=18, **options)
    assert data.class_names == ["applauding", "riding_a_bike", "watching_TV"]
    assert counts(data) == [[5, 7, 6], [1, 1, 1], [4, 4, 4]]
    assert keys(data)["test"] == {
        f"{action}_{i:03d}.jpg"
        for action in data.class_names
        for i in range(9, 13)
    }
    why = reasons(data.skipped)
    assert why == {
        "applauding_002.jpg": "listed in applauding_train.txt, but not on disk",
        "applauding_003.jpg": why["applauding_003.jpg"],
        "watching_TV_001.jpg": (
            "same picture as watching_TV_012.jpg of another split"
        ),
        "watching_TV_999.jpg": "on disk, but in no list",
    }
    assert "cannot be decoded" in why["applauding_003.jpg"]
    # Stored at no more than 256 pixels, and small ones as they are.
    builder = prepare_photographs("stanford40", **options)
    rows = tfds.as_numpy(
        builder.as_dataset(
            split="train", decoders={"image": tfds.decode.SkipDecoding()}
        )
    )
    images = {row["image/filename"].decode(): row["image"] for row in rows}
    large = Image.open(io.BytesIO(images["riding_a_bike_001.jpg"]))
    assert large.size == (341, 256)
    source = options["data_dir"] / "JPEGImages/riding_a_bike_002.jpg"
    assert images["riding_a_bike_002.jpg"] == source.read_bytes()


def test_mit67(archive, cache):
    options = {"data_dir": archive("mit67"), "cache_dir": cache}
    data = load("mit67", short_side=18, **options)
    assert data.class_names == ["airport_inside", "bar", "mall"]
    assert counts(data) == [[7, 7, 5], [1, 1, 1], [3, 3, 3]]
    assert keys(data)["test"] == {
        f"{scene}/{scene} {i:04d}.jpg"
        for scene in data.class_names
        for i in range(8, 11)
    }
    # GIF, PNG and BMP, each named .jpg.
    everything = set().union(*keys(data).values())
    assert {f"bar/bar 000{i}.jpg" for i in (0, 1, 8)} <= everything
    assert reasons(data.skipped) == {
        "mall/gone.jpg": "listed in TrainImages.txt, but not on disk",
        "Readme": "TrainImages.txt names no scene",
        "mall/mall 0008.jpg": (
            "listed again in TrainImages.txt, which was not used"
        ),
        "mall/mall 0002.jpg": "empty file (0 bytes)",
        "mall/mall 0003.jpg": (
            "same picture as bar/bar 0009.jpg of another split"
        ),
        "airport_inside/unlisted_0.jpg": (
            "on disk, but in no list, as are 11 others"
        ),
    }


@pytest.mark.parametrize(
    ("name", "removed", "match"),
    [
        ("tiny_imagenet", "tiny-imagenet-200/wnids.txt", "wnids.txt must be"),
        ("tiny_imagenet", "tiny-imagenet-200/words.txt", "words.txt must be"),
        ("tiny_imagenet", "tiny-imagenet-200/train", "train must be"),
        (
            "tiny_imagenet",
            "tiny-imagenet-200/val/val_annotations.txt",
            "val_annotations.txt must be",
        ),
        (
            "tiny_imagenet",
            "tiny-imagenet-200/val/images",
            "images to test with.*4 of 4 have none, 'goldfish'.*name 4. Fix",
        ),
        ("stanford40", "JPEGImages", "JPEGImages must be in"),
        ("stanford40", "ImageSplits", "ImageSplits must be in"),
        ("mit67", "Images", "Images must be in"),
        ("mit67", "TrainImages.txt", "TrainImages.txt must be in"),
        ("mit67", "TestImages.txt", "TestImages.txt must be in"),
        ("mit67", "Images/bar", "to train on.*1 of 3 have none, 'bar'.*name 8"),
    ],
)
def test_what_is_missing_is_named(name, own, removed, match):
    path = own / removed
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ValueError, match=match) as error:
        load(name, data_dir=own)
    assert INDICES[name].INSTRUCTIONS.strip() in str(error.value)
    assert str(own) in str(error.value)


@ARCHIVES
def test_a_wrong_folder(name, tmp_path):
    with pytest.raises(ValueError, match="needs `data_dir`"):
        load(name)
    with pytest.raises(ValueError, match="that directory does not exist"):
        load(name, data_dir=tmp_path / "absent")
    (tmp_path / "archive.zip").write_bytes(b"x")
    with pytest.raises(ValueError, match="extract archive.zip there first"):
        load(name, data_dir=tmp_path)
    with pytest.raises(ValueError, match="it is a file, not a directory"):
        load(name, data_dir=tmp_path / "archive.zip")


@ARCHIVES
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"group": "artist"}, "knows no artists.*Fix"),
        ({"validation_fraction": 1.0}, "validation_fraction=1.0"),
        ({"official": True}, r"\['validation_fraction'\].*official"),
        ({"limit": 5}, "at least one example of each"),
    ],
)
def test_mistakes(name, options, match, archive, cache):
    with pytest.raises(ValueError, match=match):
        load(name, data_dir=archive(name), cache_dir=cache, **options)


def test_a_limit_and_a_fraction(archive, cache):
    name = "tiny_imagenet"
    options = {"data_dir": archive(name), "cache_dir": cache, "short_side": 16}
    whole = load(name, **options)
    part = load(name, limit=20, validation_fraction=0.4, **options)
    assert sum(map(len, keys(part).values())) in (19, 20)
    assert keys(part)["test"] < keys(whole)["test"]
    assert not keys(part)["train"] & keys(whole)["test"]
    assert 4 <= len(part.validation) <= 8
    other = load(name, split_seed=1, **options)
    assert keys(other)["test"] == keys(whole)["test"]
    assert keys(other)["validation"] != keys(whole)["validation"]
    assert load(name, **options).fingerprint() == whole.fingerprint()


@pytest.mark.parametrize("name", ["mit67"])
def test_archives_are_prepared_once(name, own, tmp_path):
    options = {"data_dir": own, "cache_dir": tmp_path / "c", "short_side": 16}
    first = load(name, **options)
    (folder,) = tmp_path.glob(f"c/*/{name}/1.0.0")
    marks = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert load(name, **options).fingerprint() == first.fingerprint()
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == marks
    index = INDICES[name].build_index(own)
    record = next(r for r in index.records if r.key not in index.test_keys)
    pathlib.Path(record.path).unlink()
    after = load(name, **options)
    assert record.key not in set().union(*keys(after).values())
    assert len(list(tmp_path.glob(f"c/*/{name}/1.0.0"))) == 2


@pytest.mark.parametrize(
    ("name", "citation", "sizes"),
    [
        ("tiny_imagenet", "Tiny {ImageNet}", [39, 12]),
        ("stanford40", "Yao, Bangpeng", [22, 12]),
        ("mit67", "Quattoni", [23, 9]),
    ],
)
def test_builders_are_complete(name, citation, sizes, archive, cache):
    builder = prepare_photographs(name, archive(name), cache)
    assert builder.name == name
    assert name in tfds.core.registered.list_imported_builders()
    assert citation in builder.info.citation
    assert "by hand" in builder.info.description
    assert "the real one has not been read" in builder.info.description
    assert builder.info.homepage.startswith("http")
    tags = set(builder.get_metadata().tags)
    assert "ml.task.image-classification" in tags
    assert tags <= set(tfds.core.dataset_metadata.valid_tags())
    splits = builder.info.splits
    assert [splits[s].num_examples for s in ("train", "test")] == sizes
    image, label = next(
        iter(tfds.as_numpy(builder.as_dataset("test", as_supervised=True)))
    )
    assert image.dtype == np.uint8 and image.shape[2] == 3
    assert 0 <= label < builder.info.features["label"].num_classes


def test_nothing_that_can_be_read(tmp_path):
    root = archives.make_stanford40(tmp_path / "own")
    for path in (root / "JPEGImages").glob("*_009.jpg"):
        for i in range(10, 13):
            path.with_name(path.name.replace("009", f"{i:03d}")).write_bytes(
                b""
            )
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="test of 'stanford40' empty.*list"):
        load("stanford40", data_dir=root, cache_dir=tmp_path / "c")


def test_skipped_files_are_written_down(archive, cache):
    builder = prepare_photographs("mit67", archive("mit67"), cache)
    path = pathlib.Path(builder.data_dir, "skipped.json")
    assert (
        "empty file"
        in {
            item["key"]: item["reason"] for item in json.loads(path.read_text())
        }["mall/mall 0002.jpg"]
    )
