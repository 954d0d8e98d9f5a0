"""Experts from a file: what they know, and what they must not."""

import dataclasses

import pytest

from keras_artkd import models
from keras_artkd.run_folder import DATA, RunFolder
from keras_artkd.runs.experts import check_foreign_expert, given_expert
from keras_artkd.runs.runner import load_data
from tests.runs.settings import small_plan


@pytest.fixture
def plan(arrays, tmp_path):
    return small_plan(
        "npz",
        data_dir=str(arrays),
        method="kd",
        unlabelled=0.5,
        expert=str(tmp_path / "student.keras"),
    )


@pytest.fixture
def data(plan):
    return load_data(plan)


def described(data):
    """What a run of the same data writes about it."""
    splits = ("train", "validation", "unlabelled")
    return {
        "name": data.name,
        "class_names": data.class_names,
        "splits": {name: getattr(data, name).keys.tolist() for name in splits},
    }


def test_an_expert_of_unknown_origin(data, tmp_path, capsys):
    check_foreign_expert(tmp_path / "expert.keras", data)
    assert "make sure that none is in" in capsys.readouterr().out


def test_an_expert_that_knows_the_hidden_labels(plan, data, tmp_path):
    """From a run of all the labels; it may know the others."""
    models.build("wrn_10_1", 4, (16, 16, 3)).save(tmp_path / "student.keras")
    folder, known = RunFolder(tmp_path), described(data)
    folder.write(DATA, known)
    assert given_expert(plan, data) == folder.student
    told = known["splits"].pop("unlabelled")
    known["splits"]["train"] += told[:2]
    folder.write(DATA, known)
    with pytest.raises(ValueError, match="not know the labels that are hidden"):
        given_expert(plan, data)
    # Where nothing is hidden, it may.
    open_data = dataclasses.replace(data, unlabelled=None, hidden_labels=None)
    assert given_expert(plan, open_data) == folder.student


def test_an_expert_that_saw_the_test_images(data, tmp_path):
    folder, known = RunFolder(tmp_path), described(data)
    known["splits"]["validation"] += data.test.keys.tolist()[:3]
    folder.write(DATA, known)
    with pytest.raises(ValueError, match="saw 3 of 16 test images"):
        check_foreign_expert(folder.student, data)
    # Another data set may have images of the same names.
    folder.write(DATA, {**known, "name": "another"})
    check_foreign_expert(folder.student, data)
    folder.write(DATA, {**known, "name": "another", "class_names": ["a", "b"]})
    with pytest.raises(ValueError, match="of 2 classes"):
        check_foreign_expert(folder.student, data)


@pytest.mark.parametrize(
    ("augment", "build"),
    [
        ((), lambda: models.with_rotations(models.build("wrn_10_1", 16))),
        (("sla",), lambda: models.build("wrn_10_1", 4)),
        (("sla",), lambda: models.build("wrn_10_1", 16)),
    ],
    ids=["rotations too many", "no rotations", "classes instead"],
)
def test_experts_that_do_not_fit_the_rotations(
    augment, build, plan, data, tmp_path
):
    build().save(tmp_path / "student.keras")
    rotating = dataclasses.replace(
        plan, config=plan.config.replace(augment=augment)
    )
    with pytest.raises(ValueError, match="rotations.*an expert trained"):
        given_expert(rotating, data)
