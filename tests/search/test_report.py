"""Reports of searches with canned trials."""

import runpy

import pytest

from keras_artkd.runs.plan import resolve
from keras_artkd.search.report import (
    print_summary,
    standard_error,
    write_report,
)
from keras_artkd.search.space import trial_plan
from tests.search.canned import written

IMAGES = 100


def trial(number, accuracy, **settings):
    return {
        "trial": str(number),
        "status": "completed",
        "settings": {
            "temperature": 4.0,
            "alpha": 0.9,
            "learning_rate": 0.01,
            **settings,
        },
        "val_accuracy": accuracy,
        "best_epoch": 2,
        "epochs": 9,
        "seconds": 3.4,
    }


def failed(number, **settings):
    nothing = {"status": "failed", "best_epoch": None, "seconds": None}
    return trial(number, None, **settings) | nothing


@pytest.fixture
def trials():
    return [
        trial(0, 0.5),
        failed(1, learning_rate=0.1),
        trial(2, 0.8, temperature=2.5, learning_rate=0.03),
        trial(3, 0.8, temperature=6.0),
        trial(4, 0.77, alpha=0.5),
    ]


def test_standard_error():
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert standard_error(0.2, 400) == pytest.approx(0.02)


def test_the_best_is_the_first_of_equals(make_plan, tmp_path, trials, capsys):
    best = write_report(tmp_path, make_plan(), trials, IMAGES)
    assert best == trials[2]
    assert written(tmp_path) == trials
    table = (tmp_path / "trials.md").read_text().splitlines()
    assert table[0].endswith("100 images, best first.")
    assert [row.split(" | ")[0] for row in table[4:]] == [
        "| 2",
        "| 3",
        "| 4",
        "| 0",
        "| 1",
    ]
    assert table[4] == "| 2 | 2.5 | 0.9 | 0.03 | 80.00 | 2 / 9 | 3 |"
    assert table[8] == "| 1 | 4.0 | 0.9 | 0.1 | failed | - / 9 | - |"
    print_summary(tmp_path, trials, best, IMAGES)
    printed = capsys.readouterr().out
    assert "5 trials, 1 failed. Best: trial 2, temperature 2.5" in printed
    assert "80.00%, one standard error 4.00% (100 images); 2 other" in printed
    assert "trial 0, the recipe's own settings: 50.00% (9 epochs)" in printed


def test_the_best_is_left_as_a_recipe(make_plan, tmp_path, trials, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = make_plan(workdir="runs", data_options={"scenes": 8}, resume=True)
    write_report(tmp_path, plan, trials, IMAGES)
    script = runpy.run_path(str(tmp_path / "best.py"))
    config, chosen = script["CONFIG"], trial_plan(plan, trials[2]["settings"])
    assert resolve(config).identity == chosen.identity
    # From any folder; as often as one likes.
    assert config.output.workdir == str(tmp_path / "runs")
    assert not config.output.resume
    assert "80.00% on 100 images, in epoch 2 of 9" in script["__doc__"]


def test_the_script_names_the_files_absolutely(
    make_plan, tmp_path, trials, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    plan = make_plan(expert="e.keras", data_options={"exclude": "x.txt"})
    write_report(tmp_path, plan, trials, IMAGES)
    config = runpy.run_path(str(tmp_path / "best.py"))["CONFIG"]
    assert config.networks.expert == (str(tmp_path / "e.keras"),)
    assert config.data.data_options == {"exclude": str(tmp_path / "x.txt")}


def test_without_a_completed_trial_the_tables_are_there(make_plan, tmp_path):
    trials = [failed(0), failed(1, alpha=0.5)]
    message = "No trial ended with a finite loss. Received: 2 failed"
    with pytest.raises(ValueError, match=message):
        write_report(tmp_path, make_plan(), trials, IMAGES)
    assert written(tmp_path) == trials
    assert "| failed |" in (tmp_path / "trials.md").read_text()
    assert not (tmp_path / "best.py").exists()
