"""A finished run whose folder has other images today."""

import shutil

import pytest

from keras_artkd.run_folder import DATA, METRICS, RunFolder
from keras_artkd.runs.changed_files import check_same_files
from keras_artkd.runs.summary import print_finished
from tests.runs.finished import paint


@pytest.fixture
def images(tmp_path):
    paint(tmp_path / "images", count=4)
    return tmp_path / "images"


@pytest.fixture
def folder(images, tmp_path):
    """A run that took each split from a class, and could not read a file."""
    (images / "red" / "broken.jpg").write_bytes(b"no picture")
    (images / "README.md").write_text("Read me.")
    keys = [f"{p.parent.name}/{p.name}" for p in images.glob("*/*.*")]
    keys.remove("red/broken.jpg")
    folder = RunFolder(tmp_path / "run")
    folder.write(
        DATA,
        {
            "load": {"name": "folder", "data_dir": str(images)},
            "splits": {
                "train": keys[:6],
                "validation": keys[6:9],
                "test": keys[9:],
            },
            "skipped": [
                {"key": "red/broken.jpg", "reason": "truncated"},
                {"key": "README.md", "reason": "not in a class folder"},
            ],
        },
    )
    return folder


def test_the_same_images(folder, images):
    check_same_files(folder)
    # The run is what it was, where the images are gone altogether.
    shutil.rmtree(images)
    check_same_files(folder)


def test_images_that_came_or_went(folder, images):
    first = next((images / "blue").iterdir())
    shutil.copy(first, images / "blue" / "another.png")
    with pytest.raises(ValueError, match="1 that it does not know, 0 of its"):
        check_same_files(folder)
    first.unlink()
    with pytest.raises(ValueError, match="1 that it does not know, 1 of its"):
        check_same_files(folder)
    folder.write(METRICS, {})
    with pytest.raises(ValueError, match="Fix: another --workdir"):
        print_finished(folder)


@pytest.mark.parametrize(
    "load", [{"limit": 3}, {"unlabelled": 0.5}, {"name": "atelier"}]
)
def test_runs_that_list_a_part_of_their_images(folder, images, load):
    data = folder.data
    data["load"] |= load
    folder.write(DATA, data)
    shutil.copytree(images / "blue", images / "azure")
    check_same_files(folder)


def test_damaged_metrics(folder):
    folder.write(METRICS, {})
    with pytest.raises(ValueError, match="not what this version writes"):
        print_finished(folder)
