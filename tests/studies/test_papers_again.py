"""The papers' tables with students that inherit."""

import pytest

from keras_artkd.studies.registry import find_study
from keras_artkd.studies.study import check_cells

TABLES = ("000/parts", "000/4.13", "001/2", "002/4.8")


def plans_of(study):
    base = study.default(None, "small").replace(data_dir="paintings")
    check_cells(study, base, {})
    return {cell.name: study.plan(cell, base, 0) for cell in study.cells}


@pytest.fixture(scope="module")
def plans():
    return plans_of(find_study("own/papers"))


def test_every_method_and_part_of_the_tables_once(plans):
    def taught(plan):
        return plan.method.name, tuple(sorted(plan.options.items()))

    here = [
        (*taught(plan), plan.settings["head"], plan.settings["augment"])
        for plan in plans.values()
    ]
    assert len({*map(str, here)}) == len(here) == 25
    tables = [plans_of(find_study(key)) for key in TABLES]
    theirs = {plan.method.name for table in tables for plan in table.values()}
    assert theirs == {plan.method.name for plan in plans.values()}
    for name, plan in plans_of(find_study("000/parts")).items():
        assert taught(plans[f"000/parts: {name}"]) == taught(plan)


def test_networks_know_something(plans):
    for plan in plans.values():
        networks = plan.config.networks
        assert plan.inherits and networks.expert_weights == "auto"
        assert networks.initial_weights == "auto"
        wide = plan.settings["head"] == "awgram"
        assert networks.head_channels == (128 if wide else None)
        assert networks.feature_scale == 8
    heads = [plan.settings["head"] for plan in plans.values()]
    assert {*heads} == {"pool", "awgram"}


def test_labels_alone_are_the_run_of_the_other_studies(plans):
    others = plans_of(find_study("own/inheriting"))
    alone = plans["000/parts: student alone"]
    assert alone.folder == others["medium: labels"].folder


def test_what_a_part_adds():
    study = find_study("own/papers")
    assert {*study.contrasts} == {*find_study("000/parts").contrasts}
    assert study.contrasts["AWGram"] == (
        ("000/parts: student alone", "000/parts: only AWGram"),
        ("000/parts: all but AWGram", "000/parts: all"),
    )
