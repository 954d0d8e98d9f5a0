"""Searched settings in the plans of some recipes and methods."""

import numpy as np
import pytest
from keras_tuner.errors import FailedTrialError

from keras_artkd import models
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import load_data
from keras_artkd.search.space import search_space, trial_plan
from keras_artkd.search.tuner import _train_trial
from tests.runs.settings import preset, small_plan


def test_a_search_starts_from_what_is_published():
    plan = resolve(
        preset("cifar100", method="dkd", student="shufflenet_v1", epochs=24)
    )
    rates = search_space(plan)["learning_rate"]
    np.testing.assert_allclose([rates.low, rates.high], [0.001, 0.1])
    trial = trial_plan(plan, {"learning_rate": 0.02, "beta": 3.0}, 12)
    assert (trial.first_rate, trial.expert.first_rate) == (0.02, 0.05)
    assert trial.options == {"beta": 3.0, "warmup": 1.0}


def test_what_a_search_of_stages_varies():
    """Not what the flags switch off."""
    plan = small_plan(
        "npz", method="ms_mgans", epochs=10, adversarial=False, mutual="head"
    )
    assert set(search_space(plan)) == {
        "temperature",
        "feature_weight",
        "learning_rate",
    }


def test_a_threshold_that_leaves_nothing_fails_its_trial(arrays, tmp_path):
    """The search continues with the next one."""
    plan = small_plan(
        "npz",
        data_dir=str(arrays),
        unlabelled=0.5,
        method="pseudo_soft",
        options={"threshold": 1.0},
    )
    expert = tmp_path / "expert.keras"
    models.build("wrn_10_1", 4, (16, 16, 3)).save(expert)
    with pytest.raises(FailedTrialError, match="threshold=1"):
        _train_trial(plan, load_data(plan), expert, RunFolder(tmp_path))
