"""The command line of `artkd search`, and what it says of mistakes."""

import pathlib
import re

import pytest

from keras_artkd.cli import search
from keras_artkd.search import searching, tuner
from tests.search.canned import written


@pytest.fixture
def failing(tmp_path, capsys):
    """Runs a search that cannot begin; returns the line that says why."""

    def call(words):
        assert search.main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert not (tmp_path / "runs").exists()
        return line

    return call


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--recipe karate", "atelier, cifar10, .*demo, folder.*'karate'"),
        ("nowhere", "nowhere"),
        ("--trails 3", "--trials"),
        ("FLAGS --trials 0", "`trials` must be.*trials=0"),
        ("FLAGS --method pseudo_soft --labels-only", "--labels-only"),
        ("FLAGS --expert nobody.keras", "nobody.keras"),
    ],
)
def test_mistakes_are_told_before_keras_is_needed(
    words, message, flags, failing, monkeypatch
):
    def needed():
        raise AssertionError("TensorFlow is imported")

    monkeypatch.setattr(search, "import_tensorflow", needed)
    head, *rest = words.split()
    line = failing([*(flags if head == "FLAGS" else [head]), *rest])
    assert re.search(message, line), line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--student wrn_11_1", "depth=11"),
        ("--method byot+skdsam", "exits of one method"),
    ],
)
def test_mistakes_are_told_before_the_data_is_loaded(
    words, message, flags, failing, monkeypatch
):
    def load(plan):
        raise AssertionError("loaded")

    monkeypatch.setattr(searching, "load_data", load)
    line = failing([*flags, *words.split()])
    assert re.search(message, line), line


def test_half_an_environment(flags, failing, monkeypatch):
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker0")
    assert "no KERASTUNER_ORACLE_IP and no" in failing(flags)


def test_a_package_that_is_not_installed(flags, failing, monkeypatch):
    monkeypatch.setattr(
        search,
        "find_spec",
        lambda name: None if name == "keras_tuner" else name,
    )
    line = failing(flags)
    assert "no keras_tuner. Fix: pip install 'keras_artkd[tuner]'" in line


def test_settings_and_flags_of_a_run(flags, arrays):
    settings, plan = search.parse_search(
        [*flags, "--trials", "7", "--workers", "2", "--seed", "3"]
    )
    assert (settings.trials, settings.workers) == (7, 2)
    assert settings.tuner == "random"
    assert plan.method.name == "kd" and plan.config.schedule.seed == 3
    assert plan.config.recipe == "npz"
    assert pathlib.Path(plan.config.data.data_dir) == arrays


def test_all_trials_failed(flags, search_folder, monkeypatch, capsys):
    def train(plan, data, expert_path, folder, callbacks, verbose):
        (watch,) = callbacks
        watch.on_epoch_begin(0)
        watch.on_epoch_end(0, {"loss": float("inf")})

    monkeypatch.setattr(tuner, "train", train)
    assert search.main([*flags, "--method", "baseline", "--trials", "2"]) == 2
    output = capsys.readouterr()
    assert output.out.count("failed, loss = inf, in epoch 1") == 2
    (line,) = output.err.splitlines()
    assert "No trial ended with a finite loss. Received: 2 failed" in line
    assert [t["status"] for t in written(search_folder())] == 2 * ["failed"]
