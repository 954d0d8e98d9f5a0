"""Whole searches of trained networks, as their users run them."""

import dataclasses
import pathlib
import runpy
import sys

import pytest

from keras_artkd import models
from keras_artkd.cli.search import main
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs import runner
from keras_artkd.runs.plan import resolve
from keras_artkd.search import searching, tuner
from tests.runs.settings import small_plan
from tests.search.canned import written


class Untouchable:
    """A split that only the fingerprint of the data may read, by `_digest`."""

    def __init__(self, store):
        self.__dict__["store"] = store

    def _check(self):
        reader = sys._getframe(2).f_code
        if "_digest" not in reader.co_qualname and (
            pathlib.Path(reader.co_filename).name != "provenance.py"
        ):
            raise AssertionError(f"{reader.co_name} reads the test split")

    def __getattr__(self, name):
        self._check()
        return getattr(self.__dict__["store"], name)

    def __len__(self):
        self._check()
        return len(self.__dict__["store"])


def load_untouchable(plan):
    data = runner.load_data(plan)
    return dataclasses.replace(data, test=Untouchable(data.test))


@pytest.fixture
def expert(tmp_path):
    """Untrained; nobody asks."""
    path = tmp_path / "expert.keras"
    models.build("wrn_10_1", 4, (16, 16, 3)).save(path)
    return path


@pytest.mark.slow
def test_a_search_without_the_test_split(
    flags, expert, short_runs, search_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(searching, "load_data", load_untouchable)
    flags += ["--expert", str(expert), "--trials", "3", "--epochs", "1"]
    assert main(flags) == 0
    output = capsys.readouterr()
    assert not output.err
    folder = search_folder()
    assert {p.name for p in folder.iterdir()} == {
        "best.py",
        "config.json",
        "data.json",
        "importance.json",
        "importance.png",
        "oracle.json",
        "trial_0",
        "trial_1",
        "trial_2",
        "trials.json",
        "trials.md",
        "versions.json",
    }
    trials = written(folder)
    assert [t["status"] for t in trials] == 3 * ["completed"]
    best = max(trials, key=lambda t: t["val_accuracy"])
    for trial in trials:
        history = RunFolder(folder / f"trial_{trial['trial']}").history
        (value,) = history["val_accuracy"]
        assert trial["val_accuracy"] == pytest.approx(value, abs=1e-6)
        assert trial["best_epoch"] == trial["epochs"] == 1
        assert trial["seconds"] > 0
    assert f"Best: trial {best['trial']}" in output.out

    # The same command again trains nothing, and finds the same.
    script = (folder / "best.py").read_text()
    assert main(flags) == 0
    assert "trial 1:" not in capsys.readouterr().out
    assert written(folder) == trials
    assert (folder / "best.py").read_text() == script

    # What it leaves runs from any folder like any other recipe.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["best.py"])
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(folder / "best.py"), run_name="__main__")
        assert ended.value.code == 0
    assert "This run is finished" in capsys.readouterr().out
    config = runpy.run_path(str(folder / "best.py"))["CONFIG"]
    # The same training, seeded: its validation accuracy is the search's.
    reached = resolve(config).folder.metrics["validation"]["accuracy"]
    assert reached == pytest.approx(best["val_accuracy"], abs=1e-6)

    # Other images under the same name are rejected.
    def load_changed(plan):
        data = runner.load_data(plan)
        data.train.pixels[0] += 1
        return data

    monkeypatch.setattr(searching, "load_data", load_changed)
    assert main([*flags, "--trials", "4"]) == 2
    assert "images changed since" in capsys.readouterr().err
    assert written(folder) == trials


def test_the_untouchable_split_is_one(arrays):
    data = load_untouchable(small_plan("npz", data_dir=str(arrays)))
    assert data.fingerprint()
    with pytest.raises(AssertionError, match="reads the test split"):
        len(data.test)


def test_trials_get_no_test_split_where_the_search_trains_the_expert(
    flags, training, monkeypatch
):
    """The expert is a run, which is tested."""
    prepared = []

    def find_expert(plan, data):
        prepared.append(data)
        return pathlib.Path("expert.keras")

    monkeypatch.setattr(searching, "find_expert", find_expert)
    assert main([*flags, "--trials", "2"]) == 0
    assert [len(data.test) for data in prepared] == [16]
    assert len(training.trained) == 2
    for _, data, expert_path, _ in training.trained:
        assert data.test is None and len(data.train) == len(prepared[0].train)
        assert expert_path == pathlib.Path("expert.keras")


def test_an_interrupted_search_resumes_within_the_trial(
    flags, short_runs, search_folder, monkeypatch, capsys
):
    flags += ["--method", "baseline", "--trials", "1"]
    epochs = []

    class Interrupting(tuner._Watch):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            epochs.append(epoch)
            if len(epochs) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(tuner, "_Watch", Interrupting)
    assert main(flags) == 130
    assert "The same command resumes" in capsys.readouterr().err
    assert main(flags) == 0
    # The trial began again with the epoch that was interrupted.
    assert epochs == [0, 1, 1]
    (trial,) = written(search_folder())
    assert trial["epochs"] == 2 and trial["seconds"] > 0
