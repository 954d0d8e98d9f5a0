"""Settings of searches, and their folders."""

import pytest

from keras_artkd.search.settings import (
    Settings,
    check_searchable,
    search_folder,
)


def test_one_search_is_one_folder(make_plan):
    folder = search_folder(Settings(), make_plan())
    for same in (Settings(trials=50), Settings(workers=4)):
        assert search_folder(same, make_plan()) == folder
    assert search_folder(Settings(), make_plan(resume=True)) == folder
    assert search_folder(Settings(tuner="random"), make_plan()) != folder


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 8},
        {"learning_rate": 0.02},
        {"options": {"alpha": 0.5}},
        {"expert_network": "wrn_16_1"},
        {"split_seed": 1},
    ],
)
def test_another_search_has_another_folder(make_plan, changes):
    folder = search_folder(Settings(), make_plan())
    assert search_folder(Settings(), make_plan(**changes)) != folder


@pytest.mark.parametrize(
    ("settings", "changes", "message"),
    [
        ({"trials": 0}, {}, "`trials` must be.*trials=0"),
        ({"workers": 0}, {}, "`workers` must be.*workers=0"),
        ({"tuner": "hyperband"}, {"method": "ms_mgans"}, "--tuner bayesian"),
        (
            {},
            {"method": "pseudo_soft", "labels_only": True},
            "--labels-only.*--pseudo-labels",
        ),
    ],
)
def test_what_cannot_be_searched(make_plan, settings, changes, message):
    with pytest.raises(ValueError, match=message):
        check_searchable(Settings(**settings), make_plan(**changes))
