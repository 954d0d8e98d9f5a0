"""Mistakes that are told before Keras is imported."""

import pytest

from keras_artkd.runs.validation import check_plan
from tests.runs.settings import small_plan


def plan(**changes):
    return small_plan("atelier", **{"method": "pseudo_soft", **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "needs images without labels.*--unlabelled-dir"),
        (
            {"method": "mixed", "labels_only": True},
            "needs images without labels",
        ),
        ({"method": "kd", "labels_only": True}, "pseudo_hard.*method='kd'"),
        ({"unlabelled_dir": "nowhere"}, "nowhere.*does not exist"),
        ({"method": "kd", "expert": "nobody.keras"}, "nobody.keras.*not there"),
        ({"method": "kd", "expert": __file__}, "must be a .keras file"),
        ({"method": "kd", "group": "artist"}, "knows no artists"),
        ({"method": "kd", "data_options": {"x": 1}}, "options.*scenes.*x"),
        ({"method": "kd", "workdir": __file__}, "--workdir.*is not writable"),
        (
            {"method": "baseline", "expert_weights": "/no/such.keras"},
            "--expert-weights /no/such.keras",
        ),
    ],
)
def test_mistakes(changes, message):
    with pytest.raises(ValueError, match=message):
        check_plan(plan(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "ms_mgans", "epochs": 12}, "stages of one.*Fix: one"),
        ({"method": "baseline", "inherit": "expert"}, "layers of one"),
        ({"method": "kd", "augment": ("sla",)}, "tells rotations apart"),
    ],
)
def test_what_several_experts_cannot_teach(changes, message, tmp_path):
    paths = [tmp_path / "a.keras", tmp_path / "b.keras"]
    for path in paths:
        path.touch()
    with pytest.raises(ValueError, match=f"Received: 2 experts.*{message}"):
        check_plan(plan(**changes, expert=tuple(map(str, paths))))
    with pytest.raises(ValueError, match="c.keras, which is not there"):
        missing = (*map(str, paths), str(tmp_path / "c.keras"))
        check_plan(plan(method="kd", expert=missing))


@pytest.mark.parametrize(
    "changes",
    [
        {"unlabelled": 0.5},
        # These two are of use on labelled images alone.
        {"method": "equation"},
        {"method": "mixed"},
        {"method": "kd"},
        # A baseline has no expert.
        {"method": "baseline", "expert": "nobody.keras"},
    ],
)
def test_what_can_begin(changes):
    check_plan(plan(**changes))


def test_corrected_labels_of_a_method_without_any(tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("image,label,used\n")
    with pytest.raises(ValueError, match="--pseudo-labels, method='kd'"):
        check_plan(plan(method="kd", pseudo_labels=str(table)))


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises((ValueError, OSError), match="nowhere"):
        check_plan(small_plan("folder", data_dir=str(tmp_path / "nowhere")))
