"""`train/ val/ test/` with the classes inside are splits, not classes."""

import numpy as np
import pytest
from PIL import Image

from keras_artkd.cli.main import main
from keras_artkd.datasets import load
from keras_artkd.datasets.folder import find_records
from keras_artkd.datasets.split_folders import find_split_folders, split_name
from keras_artkd.doctor.diagnosis import examine

CLASSES = ("baroque", "rococo")
COUNTS = {"train": 20, "val": 4, "test": 6}


def write(root, counts, classes=CLASSES):
    rng = np.random.default_rng(0)
    for split, count in counts.items():
        for name in classes:
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(0, 256, (70, 80, 3), dtype="uint8")
                path = root / split / name / f"{split}_{index}.png"
                Image.fromarray(pixels).save(path)
    return root


def splits_of(data):
    return {
        name: {key.split("/")[0] for key in getattr(data, name).keys.tolist()}
        for name in ("train", "validation", "test")
    }


def test_they_are_read_as_the_splits_they_are(tmp_path):
    data = load("folder", write(tmp_path, COUNTS), 16)
    assert data.class_names == [*CLASSES]
    assert splits_of(data) == {
        "train": {"train"},
        "validation": {"val"},
        "test": {"test"},
    }
    assert len(data.test) == 2 * COUNTS["test"]
    assert data.skipped == []


@pytest.mark.parametrize("held_out", ["test", "Validation"])
def test_train_gives_the_validation_where_one_split_is_held_out(
    held_out, tmp_path
):
    """The one tests, whatever it is called."""
    counts = {"Training": 20, held_out: 6}
    data = load("folder", write(tmp_path, counts), 16)
    assert splits_of(data) == {
        "train": {"Training"},
        "validation": {"Training"},
        "test": {held_out},
    }
    assert (len(data.train), len(data.validation)) == (34, 6)


def test_a_picture_of_the_test_split_is_not_trained_on(tmp_path):
    write(tmp_path, COUNTS)
    source = tmp_path / "test" / "rococo" / "test_0.png"
    (tmp_path / "train" / "rococo" / "copy.png").write_bytes(
        source.read_bytes()
    )
    data = load("folder", tmp_path, 16)
    assert "train/rococo/copy.png" not in data.train.keys.tolist()
    assert "test/rococo/test_0.png" in data.test.keys.tolist()
    assert [item.key for item in data.skipped] == ["train/rococo/copy.png"]


def test_doctor_sees_the_same_classes(tmp_path):
    diagnosis = examine(write(tmp_path, COUNTS))
    assert {row["class"] for row in diagnosis.classes} == {*CLASSES}
    assert diagnosis.healthy
    (tmp_path / "val" / "loose.png").write_bytes(b"x")
    _, _, skipped = find_records(tmp_path)
    assert [item.key for item in skipped] == ["val/loose.png"]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *((name, "train") for name in ("train", "Training", "TRAIN_SET")),
        *((n, "validation") for n in ("val", "valid", "Validation", "dev")),
        *((name, "test") for name in ("test", "Testing", "test-set", "eval")),
        *((name, None) for name in ("Rococo", "trains", "contest", "set")),
    ],
)
def test_usual_spellings(name, split):
    assert split_name(name) == split


def test_a_train_may_be_a_class(tmp_path):
    """Beside a bus, and without classes inside."""
    write(tmp_path, {"train": 3, "bus": 3}, classes=("2019", "2020"))
    assert find_split_folders(tmp_path) is None
    names, _, _ = find_records(tmp_path)
    assert names == ["bus", "train"]


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (("train/a", "test/a", "rococo"), "train/ are.*rococo/ not"),
        (("train/a", "training/a", "test/a"), "Each split must be there once"),
        (("train", "test"), "hold images alone.*train/<class>"),
    ],
)
def test_what_is_neither_splits_nor_classes(folders, message, tmp_path, capsys):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (70, 70)).save(tmp_path / folder / "x.png")
    with pytest.raises(ValueError, match=message):
        find_records(tmp_path)
    for command in ("train", "doctor"):
        assert main([command, str(tmp_path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
