"""Importance of settings, and its picture."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_artkd.catalogue.spaces import Choice, Float
from keras_artkd.search import importance
from keras_artkd.search.importance import (
    FEWEST_TRIALS,
    draw_importance,
    measure_importance,
)

SPACE = {
    "alpha": Float(0.1, 0.9),
    "rate": Float(0.1, 0.9, "log"),
    "teacher": Choice(("expert", "initial")),
}


def made_up(count, seed=0):
    """Trials whose accuracy is a matter of alpha alone, nearly."""
    random = np.random.default_rng(seed)
    return [
        {
            "trial": str(number),
            "status": "completed",
            "settings": {
                "alpha": float(alpha),
                "rate": float(rate),
                "teacher": str(random.choice(["expert", "initial"])),
            },
            "val_accuracy": float(alpha + random.normal(0, 0.02)),
            "epochs": 2,
        }
        for number, (alpha, rate) in enumerate(
            random.uniform(0.1, 0.9, (count, 2))
        )
    ]


def contradictory(count, seed=0):
    """Each trial has a twin of the same settings and another accuracy."""
    trials = made_up(count, seed)
    for number, trial in enumerate(trials):
        trial["settings"] = trials[number - number % 2]["settings"]
        trial["val_accuracy"] = 0.25 + 0.5 * (number % 2)
    return trials


def of_different_length(count, seed=0):
    """Trials whose accuracy is a matter of their epochs alone."""
    trials = made_up(count, seed)
    for number, trial in enumerate(trials):
        trial["epochs"] = 1 + number % 3
        trial["val_accuracy"] = trial["epochs"] / 4
    return trials


@pytest.fixture
def few_trees(monkeypatch):
    """For trials that leave no doubt: chance is far from any of them."""
    monkeypatch.setattr(importance, "TREES", 25)
    monkeypatch.setattr(importance, "PERMUTATIONS", 20)


def test_importance_finds_what_mattered(few_trees):
    measured = measure_importance(SPACE, made_up(40), seed=0)
    means = {k: v["mean"] for k, v in measured["importance"].items()}
    assert means["alpha"] > 5 * max(means["rate"], means["teacher"])
    assert measured["forest_r2"] > 0.5 and measured["p_value"] < 0.05
    assert measured["rank_correlation"]["alpha"] > 0.9
    assert "teacher" not in measured["rank_correlation"]
    json.dumps(measured, allow_nan=False)


def test_no_ranking_is_drawn_of_trials_that_explain_nothing(few_trees):
    measured = measure_importance(SPACE, contradictory(FEWEST_TRIALS), seed=0)
    assert measured["importance"] is None
    assert measured["forest_r2"] < 0 and measured["p_value"] > 0.5


def test_epochs_count_as_a_setting_where_they_differ(few_trees):
    measured = measure_importance(SPACE, of_different_length(30), seed=0)
    means = {k: v["mean"] for k, v in measured["importance"].items()}
    assert max(means, key=means.get) == "epochs"


@pytest.mark.parametrize(
    ("case", "count"),
    [("few", FEWEST_TRIALS - 1), ("one", 1), ("equal", FEWEST_TRIALS)],
)
def test_nothing_is_said_of_importance_where_nothing_can_be(
    case, count, tmp_path
):
    trials = made_up(count)
    if case == "equal":
        for trial in trials:
            trial["val_accuracy"] = 0.5
    measured = measure_importance(SPACE, trials, seed=0)
    assert measured["importance"] is None and measured["forest_r2"] is None
    assert (measured["rank_correlation"] == {}) == (case != "few")
    draw_importance(tmp_path / "i.png", SPACE, trials, measured, 0.02)
    assert Image.open(tmp_path / "i.png").width > 500


def test_the_figure_shows_failed_trials_too(tmp_path):
    trials = made_up(20)
    measured = {
        "trials": 20,
        "forest_r2": 0.5,
        "p_value": 0.01,
        "importance": {name: {"mean": 0.5, "std": 0.1} for name in SPACE},
    }
    failed = {
        "trial": "20",
        "status": "failed",
        "settings": {"alpha": 0.5, "rate": 0.2, "teacher": "initial"},
        "val_accuracy": None,
        "epochs": 2,
    }
    reddish = []
    for shown in (trials, [*trials, failed]):
        draw_importance(tmp_path / "i.png", SPACE, shown, measured, 0.02)
        with Image.open(tmp_path / "i.png") as image:
            pixels = np.array(image.convert("RGB")).astype(int)
        red = pixels[..., 0] - pixels[..., 1:].max(-1) > 120
        reddish.append(red.sum())
    assert reddish[1] > reddish[0]
