"""The study of few labels: what is equal in it, and its picture."""

import pytest

from keras_artkd.cli.study import main
from keras_artkd.studies.labels import name_of
from keras_artkd.studies.registry import find_study
from keras_artkd.studies.study import check_cells
from tests.runs.finished import paint

SHARES = (5, 10, 20, 50, 100)


@pytest.fixture(scope="module")
def plans():
    study = find_study("labels")
    assert study.key == "own/labels"
    base = study.default(None, "small").replace(data_dir="paintings")
    check_cells(study, base, {})
    return {cell.name: study.plan(cell, base, 0) for cell in study.cells}


def test_students_see_equally_many_images(plans):
    for share in SHARES:
        for what in ("labels", "random weights"):
            plan = plans[name_of(share, what)]
            # Of so many percent of the images.
            assert plan.config.schedule.epochs * share == 800
            assert plan.method.name == "baseline"
        if share < 100:
            taught = plans[name_of(share, "and images without")]
            assert taught.config.schedule.epochs == 8
            assert taught.learns_pseudo_labels


def test_the_expert_that_teaches_is_the_one_beside(plans):
    for share in SHARES[:-1]:
        taught = plans[name_of(share, "and images without")]
        expert = plans[name_of(share, "expert")]
        assert taught.expert.folder == expert.folder
        hidden = {plan.config.data.unlabelled for plan in (taught, expert)}
        assert hidden == {round(1 - share / 100, 2)}


def test_the_picture(canned_runs, tmp_path, study_folder):
    images = tmp_path / "images"
    paint(images, count=20)
    shown = [name_of(share, "labels") for share in (50, 100)]
    words = ["labels", str(images), "--workdir", str(tmp_path / "runs")]
    assert main([*words, "--seeds", "2", "--cells", *shown]) == 0
    assert (study_folder() / "figures" / "labels.png").exists()
    page = (study_folder() / "study.html").read_text()
    assert "Test accuracy and the share of labels" in page


def test_features_first():
    """Beside runs of the study of few labels, and with as many steps."""
    study = find_study("own/features")
    base = study.default(None, "small").replace(data_dir="paintings")
    check_cells(study, base, {})
    plans = {cell.name: study.plan(cell, base, 0) for cell in study.cells}
    labels = find_study("labels")
    shared = {cell.name: cell for cell in labels.cells}
    for mine, theirs in (
        ("labels", "labels"),
        ("and images without", "and images without"),
        ("random weights, labels", "random weights"),
    ):
        other = labels.plan(shared[name_of(20, theirs)], base, 0)
        assert plans[mine].folder == other.folder
    for begin in ("", "random weights, "):
        first = plans[f"{begin}features first"]
        assert (first.first_stage, first.config.schedule.epochs) == (5, 8)
        assert first.inherits == (not begin)
        assert first.expert.config.networks.train == "head"
        taught = plans[f"{begin}its expert's features first"]
        assert taught.expert.config.networks.train == "all"


def test_three_times_as_long():
    """Every try beside students of labels alone, with as many steps."""
    study = find_study("own/longer")
    base = study.default(None, "small").replace(data_dir="paintings")
    check_cells(study, base, {})
    plans = {cell.name: study.plan(cell, base, 0) for cell in study.cells}
    few = 0.2
    for cell in study.cells[1:]:
        plan, alone = plans[cell.name], plans[cell.against]
        epochs = plan.config.schedule.epochs
        if plan.learns_pseudo_labels:
            assert alone.config.schedule.epochs * few == epochs
        else:
            assert epochs == 3 * alone.config.schedule.epochs
    tries = [plan for plan in plans.values() if plan.learns_pseudo_labels]
    assert len({plan.folder for plan in tries}) == len(tries) == 6
