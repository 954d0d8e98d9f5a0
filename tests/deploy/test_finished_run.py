"""Facts of a run from its files, which may say anything."""

import shutil

import pytest

from keras_artkd.deploy.finished_run import read_facts
from keras_artkd.files import read_json, write_json
from keras_artkd.run_folder import DATA, METRICS, SETTINGS, RunFolder
from tests.report.runs import write_run

BEYOND = 10**400


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    without = ("gallery", "attention.npz", "predictions.npz")
    return write_run(folder, 2, images=12, without=without, group="none")


def test_reads_them(run):
    facts = read_facts(RunFolder(run))
    assert facts.data["load"]["short_side"] == 72


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        (SETTINGS, "", 5),
        (DATA, "", [1]),
        (METRICS, "", None),
        (SETTINGS, "image_size", "64"),
        (SETTINGS, "group", None),
        (DATA, "class_names", "ab"),
        (DATA, "load", {"short_side": 72}),
        (DATA, "load.name", ["folder"]),
        (DATA, "load.data_dir", 5),
        (DATA, "load.limit", "all"),
        (DATA, "load.limit", True),
        (DATA, "load.folds", {}),
        (DATA, "load.exclude", ["a"]),
        (METRICS, "parameters", "many"),
        (METRICS, "test.accuracy", BEYOND),
        (METRICS, "test_intervals", {"accuracy": [0.5]}),
        (METRICS, "test.per_class", [{"count": 1}]),
    ],
)
def test_what_is_not_as_written_is_one_error(run, tmp_path, name, place, value):
    folder = shutil.copytree(run, tmp_path / "run")
    content = read_json(folder / name)
    *path, last = place.split(".")
    inner = content
    for key in path:
        inner = inner[key]
    inner[last] = value
    if name == SETTINGS and place == "group":
        del inner[last]
    write_json(folder / name, content if place else value)
    with pytest.raises(ValueError, match="Received: ") as error:
        read_facts(RunFolder(folder))
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1000


def test_brackets_without_end(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / DATA).write_text("[" * 100_000)
    with pytest.raises(ValueError, match="must be JSON.*data.json"):
        read_facts(RunFolder(folder))
