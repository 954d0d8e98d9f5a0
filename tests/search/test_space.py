"""Settings that a search varies, and those that it leaves."""

import pytest

from keras_artkd.catalogue.spaces import Float
from keras_artkd.search.space import search_space, trial_plan, trial_settings

CHOSEN = {"temperature": 2.0, "learning_rate": 0.03}


def test_the_space_is_the_methods_without_what_is_set(make_plan):
    space = search_space(make_plan())
    assert list(space) == ["temperature", "alpha", "learning_rate"]
    assert space["learning_rate"] == Float(0.001, 0.1, "log")
    fixed = make_plan(options={"alpha": 0.5})
    assert list(search_space(fixed)) == ["temperature", "learning_rate"]
    trial = trial_plan(fixed, CHOSEN)
    assert trial.options == {"alpha": 0.5, "temperature": 2.0}
    baseline = search_space(make_plan(method="baseline"))
    assert list(baseline) == ["learning_rate"]


def test_settings_have_four_digits():
    space = {"alpha": None, "teacher": None}
    values = {"alpha": 0.123456, "teacher": "expert", "tuner/epochs": 3}
    settings = {"alpha": 0.1235, "teacher": "expert"}
    assert trial_settings(space, values) == settings


@pytest.mark.parametrize("epochs", [None, 1])
def test_all_trials_have_the_same_expert(make_plan, epochs):
    of_search = make_plan()
    trial = trial_plan(of_search, CHOSEN, epochs)
    assert trial.first_rate == 0.03
    assert trial.config.schedule.epochs == (epochs or 9)
    assert trial.expert.folder == of_search.expert.folder
