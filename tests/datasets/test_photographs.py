"""Photographs with official splits, on archives in the official layouts."""

import io
import json
import pathlib
import shutil
import sys
import types

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from keras_artkd.datasets import load
from keras_artkd.datasets.mit67 import index as mit67_index
from keras_artkd.datasets.official_lists import Row, join_lists, read_lines
from keras_artkd.datasets.prepared import prepare_photographs
from keras_artkd.datasets.stanford40 import index as stanford40_index
from keras_artkd.datasets.tfds_builders import find_builder
from keras_artkd.datasets.tiny_imagenet import index as tiny_index
from tests.datasets import archives

SPLITS = ("train", "validation", "test")
MAKE = {
    "tiny_imagenet": archives.make_tiny_imagenet,
    "stanford40": archives.make_stanford40,
    "mit67": archives.make_mit67,
}
INDICES = {
    "tiny_imagenet": tiny_index,
    "stanford40": stanford40_index,
    "mit67": mit67_index,
}
ARCHIVES = pytest.mark.parametrize("name", list(MAKE))


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Dict of name -> an archive that no test changes."""
    return {n: make(tmp_path_factory.mktemp(n)) for n, make in MAKE.items()}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own(name, tmp_path):
    """An archive to be damaged."""
    return MAKE[name](tmp_path / "own")


def reasons(items):
    return {item.key: item.reason for item in items}


def keys(data):
    return {name: set(getattr(data, name).keys.tolist()) for name in SPLITS}


def counts(data):
    return [np.bincount(getattr(data, name).labels).tolist() for name in SPLITS]


def test_tiny_imagenet(roots, cache):
    options = {"data_dir": roots["tiny_imagenet"], "cache_dir": cache}
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


def test_tiny_imagenet_sorted_into_folders(tmp_path):
    """As the script does that most people run."""
    root = archives.make_tiny_imagenet(tmp_path)
    before = tiny_index.build_index(root)
    folder = root / "tiny-imagenet-200"
    for record in before.records:
        if record.key in before.test_keys:
            wnid = sorted(read_lines(folder / "wnids.txt"))[record.label]
            to = folder / "val" / wnid / record.key
            to.parent.mkdir(exist_ok=True)
            shutil.move(record.path, to)
    shutil.rmtree(folder / "val/images")
    after = tiny_index.build_index(folder)
    assert after.test_keys == before.test_keys
    assert [(r.key, r.label) for r in after.records] == [
        (r.key, r.label) for r in before.records
    ]
    assert after.skipped == before.skipped


def test_tiny_imagenet_folders_and_words_that_do_not_match(tmp_path):
    root = archives.make_tiny_imagenet(tmp_path) / "tiny-imagenet-200"
    archives.picture(root / "train/n00000001/images/n00000001_0.JPEG")
    archives.lines(root / "words.txt", ["n01443537\tgoldfish", "no tab"])
    index = tiny_index.build_index(root)
    assert index.class_names[:2] == ["goldfish", "n02012849"]
    why = reasons(index.skipped)
    assert "wnids.txt does not name" in why["train/n00000001"]
    shutil.rmtree(root / "train/n02012849")
    match = (
        "must have images to train on.*1 of 4 have none, 'n02012849'.*name 0"
    )
    with pytest.raises(ValueError, match=match):
        tiny_index.build_index(root)


def test_stanford40(roots, cache):
    options = {"data_dir": roots["stanford40"], "cache_dir": cache}
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


def test_stanford40_in_a_folder_of_its_own(tmp_path):
    root = archives.make_stanford40(tmp_path / "Stanford40")
    (tmp_path / "JPEGImages").mkdir()  # Of something else.
    inside, beside = map(stanford40_index.build_index, (root, tmp_path))
    assert inside == beside
    # All that `actions.txt` is needed for.
    (root / "ImageSplits/actions.txt").unlink()
    assert stanford40_index.build_index(root) == inside


def test_stanford40_without_a_list(tmp_path):
    root = archives.make_stanford40(tmp_path)
    lists = root / "ImageSplits"
    (lists / "watching_TV_test.txt").unlink()
    with pytest.raises(ValueError, match="^watching_TV_test.txt must be in"):
        stanford40_index.build_index(root)
    # Named by `actions.txt` alone.
    (lists / "watching_TV_train.txt").unlink()
    with pytest.raises(
        ValueError, match="_train.txt, watching_TV_test.txt mus"
    ):
        stanford40_index.build_index(root)
    shutil.rmtree(lists)
    lists.mkdir()
    with pytest.raises(ValueError, match="<action>_train.txt must be in"):
        stanford40_index.build_index(root)
    archives.lines(
        lists / "actions.txt", ["x", *(f"a{i}\t1" for i in range(9))]
    )
    with pytest.raises(ValueError, match=r"a1_train.txt, ... \(18 lists\) mus"):
        stanford40_index.build_index(root)


def test_mit67(roots, cache):
    options = {"data_dir": roots["mit67"], "cache_dir": cache}
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


def test_mit67_images_and_lists_in_different_places(tmp_path):
    root = archives.make_mit67(tmp_path)
    before = mit67_index.build_index(root)
    (root / "indoorCVPR_09").mkdir()
    shutil.move(root / "Images", root / "indoorCVPR_09/Images")
    assert mit67_index.build_index(root).records != before.records
    shutil.move(root / "TestImages.txt", root / "indoorCVPR_09")
    after = mit67_index.build_index(root)
    assert [r.key for r in after.records] == [r.key for r in before.records]
    assert after.test_keys == before.test_keys


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
        ({"group": "artist"}, "photographs knows no artists.*Fix"),
        ({"validation_fraction": 1.0}, "validation_fraction=1.0"),
        ({"official": True}, r"\['validation_fraction'\].*official"),
        ({"limit": 5}, "at least one example of each"),
    ],
)
def test_mistakes(name, options, match, roots, cache):
    with pytest.raises(ValueError, match=match):
        load(name, data_dir=roots[name], cache_dir=cache, **options)


@ARCHIVES
def test_a_limit_and_a_fraction(name, roots, cache):
    options = {"data_dir": roots[name], "cache_dir": cache, "short_side": 16}
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


@ARCHIVES
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
def test_builders_are_complete(name, citation, sizes, roots, cache):
    builder = prepare_photographs(name, roots[name], cache)
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


def test_lists_of_any_line_ends(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfa b.jpg\r\n\r\n  c.jpg \nd\xe9.jpg\r\n \n")
    assert read_lines(path) == ["a b.jpg", "c.jpg", "d\ufffd.jpg"]


def test_the_test_list_goes_first():
    rows = [Row("a", 0, False, "x"), Row("b", 0, False, "x")]
    rows += [Row("b", 0, True, "y"), Row("b", 0, True, "y")]
    index = join_lists(["n"], rows, {"a": "A", "b": "B"}, "root", "Get it.")
    assert [r.path for r in index.records] == ["A", "B"]
    assert index.test_keys == {"b"}
    assert len(index.skipped) == 2


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
    with pytest.raises(ValueError, match="photographs knows no artists"):
        load(name, data_dir=tmp_path, group="artist")
    with pytest.raises(ValueError, match="validation_fraction=0"):
        load(name, data_dir=tmp_path, validation_fraction=0)
    with pytest.raises(ValueError, match=r"\['validation_fraction'\].*classes"):
        load(name, data_dir=tmp_path, classes=3)


def test_skipped_files_are_written_down(roots, cache):
    builder = prepare_photographs("mit67", roots["mit67"], cache)
    path = pathlib.Path(builder.data_dir, "skipped.json")
    assert (
        "empty file"
        in {
            item["key"]: item["reason"] for item in json.loads(path.read_text())
        }["mall/mall 0002.jpg"]
    )
