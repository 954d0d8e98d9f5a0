"""The tuners: what they try, and what ends a search."""

import json
import types
import warnings

import keras
import numpy as np
import pytest
from keras_tuner.errors import FailedTrialError
from sklearn.exceptions import ConvergenceWarning

from keras_artkd.run_folder import HISTORY, RunFolder
from keras_artkd.search import tuner
from keras_artkd.search.settings import Settings
from tests.search.canned import run_trials


@pytest.mark.parametrize("name", ["bayesian", "random", "hyperband"])
def test_tuners_find_better_settings_than_the_recipes(
    name, make_plan, tmp_path, training, coarse_optimum, capsys
):
    settings = Settings(tuner=name, trials=8)
    trials = run_trials(settings, make_plan())
    assert len(trials) == len(training.trained) == 8
    # The first trial has the recipe's own settings.
    assert trials[0]["settings"] == {
        "temperature": 4.0,
        "alpha": 0.9,
        "learning_rate": 0.01,
    }
    assert len({json.dumps(t["settings"]) for t in trials[:6]}) == 6
    best = max(trials, key=lambda t: t["val_accuracy"])
    assert best["val_accuracy"] > trials[0]["val_accuracy"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[0].startswith(
        "trial 0: temperature 4.0, alpha 0.9, learning_rate 0.01: "
    )
    # Seeded: another search of the same finds the same.
    again = make_plan(workdir=str(tmp_path / "again"))
    assert run_trials(settings, again) == trials
    other = make_plan(workdir=str(tmp_path / "other"), seed=1)
    assert run_trials(settings, other) != trials


def test_bayesian_search_closes_in(make_plan, training, coarse_optimum):
    """The half of its trials that it chooses is better than the random one."""
    trials = run_trials(Settings(trials=12), make_plan())
    accuracy = [t["val_accuracy"] for t in trials]
    assert np.mean(accuracy[6:]) > np.mean(accuracy[1:6])


def test_a_model_of_few_trials_warns_of_nothing(make_plan, training):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        assert len(run_trials(Settings(trials=3), make_plan())) == 3


def test_hyperband_trains_the_best_for_longer(make_plan, training):
    """Nine epochs: brackets from 1, 3 and 9 epochs."""
    settings = Settings(tuner="hyperband")
    trials = run_trials(settings, make_plan())
    epochs = [plan.config.schedule.epochs for plan, *_ in training.trained]
    assert epochs == [t["epochs"] for t in trials]
    assert {*epochs} == {1, 3, 9}
    short = [t for t in trials[:13] if t["epochs"] == 1]
    longer = [t for t in trials[:13] if t["epochs"] == 3]
    ranked = sorted(short, key=lambda t: -t["val_accuracy"])
    promoted = {json.dumps(t["settings"]) for t in longer}
    assert promoted == {
        json.dumps(t["settings"]) for t in ranked[: len(promoted)]
    }
    oracle = tuner.Tuner(settings, make_plan()).oracle
    assert len(trials) == oracle.max_trials == oracle.whole_round


def test_a_finished_search_can_be_made_longer(make_plan, training):
    first = run_trials(Settings(tuner="random", trials=9), make_plan())
    longer = run_trials(Settings(tuner="random", trials=11), make_plan())
    assert len(training.trained) == 11
    assert longer[:9] == first
    assert [int(t["trial"]) for t in longer] == list(range(11))


def test_failed_trials_do_not_end_a_search(
    make_plan, monkeypatch, training, coarse_optimum, capsys
):
    begun = []

    def some_fail(*arguments):
        begun.append(arguments)
        if len(begun) in (2, 3, 4, 5):
            raise FailedTrialError("loss = nan, in epoch 1")
        return training(*arguments)

    monkeypatch.setattr(tuner, "_train_trial", some_fail)
    trials = run_trials(Settings(trials=8), make_plan())
    assert [t["status"] for t in trials] == (
        ["completed"] + 4 * ["failed"] + 3 * ["completed"]
    )
    assert trials[1]["val_accuracy"] is None
    output = capsys.readouterr()
    assert output.out.count("failed, loss = nan, in epoch 1") == 4
    assert not output.err


def test_other_errors_end_it(make_plan, monkeypatch):
    """Keras Tuner would take them for failed trials."""

    def mistaken(*arguments):
        raise ValueError("`temperature` must be positive.")

    monkeypatch.setattr(tuner, "_train_trial", mistaken)
    with pytest.raises(ValueError, match="In trial 00:.*must be positive"):
        run_trials(Settings(), make_plan())


def test_a_loss_that_is_not_finite_fails_the_trial():
    watch, logs = tuner._Watch(), {"loss": 0.5}
    assert isinstance(watch, keras.callbacks.Callback)
    watch.on_epoch_begin(0)
    watch.on_epoch_end(0, logs)
    assert logs["seconds"] >= 0
    with pytest.raises(FailedTrialError, match="loss = nan, in epoch 2"):
        watch.on_epoch_end(1, {"loss": float("nan")})


def test_a_trial_is_judged_by_its_best_epoch(make_plan, tmp_path, monkeypatch):
    """The checkpoint's, which may not be the maximum: of phases."""

    def train(plan, data, expert_path, folder, callbacks, verbose):
        values = {"val_accuracy": [0.75, 0.25, 0.5], "seconds": [1.0, 2.0, 3.0]}
        folder.write(HISTORY, values)
        return None, types.SimpleNamespace(
            best_epoch=3, best_value=0.5, epoch=3
        )

    monkeypatch.setattr(tuner, "train", train)
    result = tuner._train_trial(make_plan(), "data", None, RunFolder(tmp_path))
    assert result == {
        "val_accuracy": 0.5,
        "best_epoch": 3,
        "epochs": 3,
        "seconds": 6.0,
    }
