"""Indices of the archives of photographs, in the official layouts."""

import shutil

import pytest

from keras_artkd.datasets.archives.mit67 import index as mit67_index
from keras_artkd.datasets.archives.official_lists import (
    Row,
    join_lists,
    read_lines,
)
from keras_artkd.datasets.archives.stanford40 import index as stanford40_index
from keras_artkd.datasets.archives.tiny_imagenet import index as tiny_index
from tests.datasets import archives


def reasons(items):
    return {item.key: item.reason for item in items}


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
