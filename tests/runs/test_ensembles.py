"""Runs whose student learns from several experts."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.data.pipeline import evaluation_arrays
from keras_artkd.run_folder import DATA, RunFolder
from keras_artkd.runs.expert_views import record_expert
from keras_artkd.runs.experts import expert_file
from keras_artkd.runs.networks import check_student
from keras_artkd.runs.runner import find_expert, load_data, run
from tests.losses.reference import softmax
from tests.runs.settings import small_plan

SHARES = (3.0, 1.0)


@pytest.fixture
def experts(tmp_path):
    """Two of one kind that see images of other sizes; one in a run's folder."""
    keras.utils.set_random_seed(1)
    (tmp_path / "expert").mkdir()
    paths = [tmp_path / "expert" / "student.keras", tmp_path / "b.keras"]
    for path, side in zip(paths, (16, 24), strict=True):
        models.build("wrn_10_1", 4, (side, side, 3)).save(path)
    return paths


@pytest.fixture
def make_plan(arrays, experts, tmp_path):
    def make(**changes):
        settings = {
            "method": "kd",
            "expert": (str(experts[0].parent), str(experts[1])),
            "expert_shares": SHARES,
            "workdir": str(tmp_path / "runs"),
            **changes,
        }
        return small_plan("npz", data_dir=str(arrays), **settings)

    return make


def test_a_run_with_several_experts(make_plan, experts, short_runs, capsys):
    """The student learns their mean, which is tested as its expert."""
    plan = make_plan()
    data = load_data(plan)
    metrics = run(plan, data)
    assert metrics["expert"]["name"] == "ensemble"
    members = [keras.models.load_model(path) for path in experts]
    assert metrics["expert"]["parameters"] == sum(
        member.count_params() for member in members
    )
    answers = [
        member.predict(
            evaluation_arrays(data.test, 16, member.input_shape[1])[0],
            verbose=0,
        )
        for member in members
    ]
    mean = 0.75 * softmax(answers[0]) + 0.25 * softmax(answers[1])
    predictions = np.load(plan.folder.predictions)
    np.testing.assert_allclose(
        softmax(predictions["expert"]), mean, rtol=0.02, atol=1e-3
    )
    printed = capsys.readouterr().out
    assert printed.count("Nothing beside it says") == 2
    assert "the expert sees 24 pixels, and gets crops of 16" in printed
    assert (
        "--expert-shares 3.0 1.0"
        in (plan.folder.path / "command.txt").read_text()
    )

    # Another student learns from the very same file.
    written = expert_file(plan)
    assert [written] == [*plan.folder.path.parent.glob("experts-*.keras")]
    changed = written.stat().st_mtime_ns
    other = make_plan(seed=1, expert_views=2)
    assert find_expert(other, data) == written
    assert written.stat().st_mtime_ns == changed
    teacher = keras.models.load_model(written)
    record_expert(other, data.train, teacher, written)
    assert len([*written.parent.glob("experts-*-views2-*.npz")]) == 1
    # Other shares make another.
    assert expert_file(make_plan(expert_shares=())) != written


def test_each_expert_is_checked(make_plan, experts):
    """One that saw the test images, among others that did not."""
    plan = make_plan()
    data = load_data(plan)
    known = {
        "name": data.name,
        "class_names": data.class_names,
        "splits": {"train": data.test.keys.tolist()[:2], "validation": []},
    }
    RunFolder(experts[0].parent).write(DATA, known)
    with pytest.raises(ValueError, match="saw 2 of 16 test images"):
        find_expert(plan, data)
    (experts[0].parent / DATA).unlink()
    models.build("wrn_10_1", 3, (16, 16, 3)).save(experts[1])
    with pytest.raises(ValueError, match="b.keras with 3 classes"):
        find_expert(plan, data)
    assert not plan.folder.path.parent.exists()


@pytest.mark.parametrize("method", ["attention", "crd", "kd+fitnet"])
def test_methods_of_maps_are_told_before_anything_begins(method, make_plan):
    with pytest.raises(ValueError, match="logits alone.*2 experts.*with one"):
        check_student(make_plan(method=method))


@pytest.mark.parametrize("method", ["dkd", "logits_l2", "dist", "pr_kd+kd"])
def test_methods_of_logits_take_them(method, make_plan):
    check_student(make_plan(method=method))
