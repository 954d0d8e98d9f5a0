"""A finished run whose folder has other files today."""

import shutil

import pytest

from keras_artkd import datasets
from keras_artkd.run_folder import DATA, METRICS
from keras_artkd.runs.changed_files import check_same_files
from keras_artkd.runs.provenance import describe_data
from keras_artkd.runs.summary import print_finished
from tests.runs.finished import paint
from tests.runs.settings import small_plan


@pytest.fixture
def images(tmp_path):
    """Three classes, a broken file, a text and a copy."""
    images = tmp_path / "images"
    paint(images, count=8)
    (images / "red" / "broken.jpg").write_bytes(b"no picture")
    (images / "README.md").write_text("Read me.")
    first = min((images / "blue").iterdir())
    shutil.copy(first, images / "blue" / f"copy{first.suffix}")
    return images


def described(images, **changes):
    """The folder of a run, with what it knows of its images."""
    runs = str(images.parent / "runs")
    plan = small_plan("folder", data_dir=str(images), workdir=runs, **changes)
    data = datasets.load(**plan.load_arguments)
    plan.folder.write(DATA, describe_data(plan, data))
    return plan.folder


def plain(images):
    return {}


def split_folders(images):
    for place in [path for path in images.iterdir() if path.is_dir()]:
        for number, path in enumerate(sorted(place.iterdir())):
            split = images / ("test" if number % 4 == 0 else "train")
            (split / place.name).mkdir(parents=True, exist_ok=True)
            path.rename(split / place.name / path.name)
        place.rmdir()
    return {}


def with_others(images):
    """Images without labels, of which one is a copy of a labelled one."""
    others = images.parent / "others"
    paint(others, count=2, seed=5)
    first = min((others / "blue").iterdir())
    shutil.copy(first, others / f"again{first.suffix}")
    return {"unlabelled_dir": str(others), "method": "unlabelled"}


def without_some(images):
    excluded = images.parent / "excluded.txt"
    names = sorted(path.name for path in (images / "red").iterdir())[1:3]
    excluded.write_text("".join(f"red/{name}\n" for name in names))
    return {"data_options": {"exclude": str(excluded)}}


def with_a_link(images):
    elsewhere = (images / "green").rename(images.parent / "elsewhere")
    (images / "green").symlink_to(elsewhere)
    return {}


@pytest.mark.parametrize(
    "make",
    [plain, split_folders, with_others, without_some, with_a_link],
)
def test_images_that_came_or_went(make, images):
    folder = described(images, **make(images))
    check_same_files(folder)
    used = folder.data["splits"]["train"][0]
    path = images / used
    new = path.with_name(f"new{path.suffix}")
    shutil.copy(path, new)
    with pytest.raises(ValueError, match="1 that it does not know, 0 of its"):
        check_same_files(folder)
    path.unlink()
    with pytest.raises(ValueError, match="1 that it does not know, 1 of its"):
        check_same_files(folder)
    folder.write(METRICS, {})
    with pytest.raises(ValueError, match="Fix: another --workdir"):
        print_finished(folder)
    # The run is what it was, where all of them are gone.
    shutil.rmtree(images)
    check_same_files(folder)


def test_images_without_labels_that_came(images):
    changes = with_others(images)
    folder = described(images, **changes)
    others = images.parent / "others"
    paint(others / "more", count=1, seed=6)
    with pytest.raises(ValueError, match="3 that it does not know, 0 of its"):
        check_same_files(folder)


def test_classes_that_are_gone(images):
    folder = described(images)
    for name in ("blue", "green"):
        shutil.rmtree(images / name)
    with pytest.raises(ValueError, match="0 that it does not know, "):
        check_same_files(folder)


@pytest.mark.parametrize("changes", [{"limit": 12}, {"unlabelled": 0.5}])
def test_a_part_of_a_folder(images, changes):
    folder = described(images, method="baseline", **changes)
    shutil.copytree(images / "blue", images / "azure")
    check_same_files(folder)


def test_damaged_metrics(images):
    folder = described(images)
    folder.write(METRICS, {})
    with pytest.raises(ValueError, match="not what this version writes"):
        print_finished(folder)
