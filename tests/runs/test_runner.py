"""The runner: what a run leaves, and what it does not do again."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from tensorboard.util.tensor_util import make_ndarray

from keras_artkd.measure.confusions import confusion_cells
from keras_artkd.runs import runner
from keras_artkd.runs.commands import command
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.provenance import check_same_data
from keras_artkd.runs.runner import find_expert, load_data, run, run_or_read
from tests.runs.settings import small_plan


@pytest.fixture(scope="module")
def data(finished_run):
    return load_data(finished_run.plan)


def fewer(data):
    """The same data with a training image less."""
    kept = np.arange(len(data.train) - 1)
    return dataclasses.replace(data, train=data.train.take(kept))


def test_a_run_leaves_all_that_is_known_of_it(finished_run):
    folder, metrics = finished_run.plan.folder, finished_run.metrics
    assert {path.name for path in folder.path.iterdir()} == {
        "MODEL_CARD.md",
        "attention.npz",
        "checkpoint.npz",
        "classify.py",
        "command.txt",
        "config.json",
        "data.json",
        "figures",
        "gallery",
        "golden",
        "history.json",
        "logs",
        "metrics.json",
        "predictions.npz",
        "report.html",
        "saved_model",
        "student.keras",
        "student.tflite",
        "student_int8.tflite",
        "student_last.keras",
        "versions.json",
    }
    assert folder.metrics == json.loads(json.dumps(metrics)) == metrics
    assert folder.command == command(finished_run.plan)
    assert folder.settings["batch_size"] == 8
    assert list(folder.logs.rglob("events*"))
    assert {"kd", "attention_transfer", "val_accuracy"} <= {*folder.history}
    assert metrics["head"] == "awgram"
    assert {"expert", "initial"} <= {*metrics}
    assert metrics["expert"]["name"] == "wrn_10_1"
    assert "best by validation; last epoch" in finished_run.output
    student = keras.models.load_model(folder.student)
    assert list(student.endpoints)[-1] == "logits"


def test_tensorboard_has_every_term_of_the_history(finished_run):
    folder = finished_run.plan.folder
    logged = {}
    for split, prefix in (("train", ""), ("validation", "val_")):
        events = EventAccumulator(
            str(folder.logs / split), size_guidance={"tensors": 0}
        )
        events.Reload()
        for tag in events.Tags()["tensors"]:
            logged[tag.replace("epoch_", prefix, 1)] = {
                event.step: float(make_ndarray(event.tensor_proto))
                for event in events.Tensors(tag)
            }
    history = folder.history
    assert {"kd", "logits_l2", "initial_supervised", "val_loss"} <= {*history}
    assert {*history} <= {*logged}
    for name, values in history.items():
        assert [*logged[name]] == [0, 1, 2, 3], name
        np.testing.assert_allclose(
            [*logged[name].values()], values, rtol=1e-6, err_msg=name
        )


def test_the_test_is_of_every_test_image(finished_run, data):
    test = finished_run.metrics["test"]
    assert test["num_examples"] == len(data.test)
    assert confusion_cells(test)[:, 2].sum() == len(data.test)
    assert finished_run.metrics["class_names"] == ["blue", "green", "red"]
    with np.load(finished_run.plan.folder.predictions) as predictions:
        assert predictions["keys"].tolist() == data.test.keys.tolist()
        accuracy = predictions["student"].argmax(1) == data.test.labels
    assert accuracy.mean() == test["accuracy"]


def test_exports_answer_as_the_student_does(finished_run):
    exports = finished_run.metrics["exports"]
    assert {*exports} == {"saved_model", "tflite", "tflite_int8"}
    for kind, export in exports.items():
        assert export["size_bytes"] > 10_000
        assert export["agreement"] > (0.5 if "int8" in kind else 0.999)


def test_splits_share_no_image_and_no_artist(finished_run):
    splits = finished_run.plan.folder.data["splits"].values()
    keys = [key for split in splits for key in split]
    assert len(keys) == len({*keys}) == 72
    artists = [{key.split("_")[0] for key in split} for split in splits]
    assert sum(map(len, artists)) == len(set.union(*artists)) == 18


def test_a_finished_run_says_so(finished_run, capsys):
    plan = finished_run.plan
    written = (plan.folder.path / "metrics.json").stat().st_mtime_ns
    assert run(plan) == finished_run.metrics
    printed = capsys.readouterr().out
    assert f"This run is finished: {plan.folder}" in printed
    assert "test accuracy" in printed and "report.html" in printed
    assert (plan.folder.path / "metrics.json").stat().st_mtime_ns == written


def test_a_trained_expert_is_used_again(finished_run, data, capsys):
    plan = resolve(finished_run.plan.config.replace(method="kd"))
    assert find_expert(plan, data) == plan.expert.folder.student
    assert plan.expert == finished_run.plan.expert
    assert f"Finished before: {plan.expert.folder}" in capsys.readouterr().out


def test_a_run_with_an_expert_from_a_file(
    finished_run, data, short_runs, tmp_path
):
    expert = finished_run.plan.expert.folder.student
    config = finished_run.plan.config.replace(
        method="kd", epochs=1, expert=str(expert), workdir=str(tmp_path)
    )
    plan = resolve(config)
    metrics = run(plan, data)
    assert metrics["expert"]["name"] == "wrn_10_1"
    # No other was trained.
    assert [plan.folder.path] == [*(tmp_path / "folder").glob("[!.]*")]


def test_data_that_changed(finished_run, data):
    """A network may have been trained on what is now the test split."""
    plan = finished_run.plan
    check_same_data(plan.folder, data)
    with pytest.raises(ValueError, match="images changed since"):
        run_or_read(plan, fewer(data))
    other = resolve(plan.config.replace(method="attention"))
    with pytest.raises(ValueError, match="images changed since"):
        run(other, fewer(data))
    assert not other.folder.path.exists()


def test_two_classes_are_too_few_for_standardised_logits(tmp_path):
    """Told before the expert is trained."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 16, 16, 3), "uint8")
    parts = {"x_train": images[:30], "x_test": images[30:]}
    labels = {
        f"y_{part[2:]}": np.arange(len(x)) % 2 for part, x in parts.items()
    }
    np.savez(tmp_path / "two.npz", **parts, **labels)
    plan = small_plan(
        "npz",
        data_dir=str(tmp_path / "two.npz"),
        method="kd_standardised",
        workdir=str(tmp_path / "runs"),
    )
    with pytest.raises(ValueError, match="three classes.*Received: 2"):
        run(plan)
    assert not (tmp_path / "runs").exists()


def test_an_interrupted_run_asks_for_resume(tmp_path):
    plan = small_plan("folder", workdir=str(tmp_path))
    plan.folder.path.mkdir(parents=True)
    plan.folder.checkpoint.write_bytes(b"")
    with pytest.raises(ValueError, match="interrupted.*--resume"):
        run(plan)


def test_nothing_to_resume_with_these_settings(
    finished_run, data, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(runner, "_run", lambda plan, data, reference: {})
    config = finished_run.plan.config.replace(
        method="baseline", workdir=str(tmp_path), resume=True
    )
    begun = resolve(config.replace(epochs=9)).folder
    begun.path.mkdir(parents=True)
    begun.checkpoint.write_bytes(b"")
    run(resolve(config), data)
    printed = capsys.readouterr().out
    assert "nothing to resume" in printed and begun.name in printed


def test_mistakes_come_before_the_data(tmp_path, monkeypatch):
    def load(**arguments):
        raise AssertionError("loaded")

    monkeypatch.setattr("keras_artkd.datasets.load", load)
    options = {"l2_teacher": "expret"}
    plan = small_plan("atelier", workdir=str(tmp_path), options=options)
    with pytest.raises(ValueError, match="l2_teacher='expret'"):
        run(plan)
    assert not list(tmp_path.iterdir())


def test_the_verdict_knows_where_the_expert_lies(
    finished_run, data, monkeypatch, tmp_path
):
    monkeypatch.setattr(runner, "judge", lambda *facts: facts[3:])
    # Of runs that were not trained.
    monkeypatch.setattr(runner.RunFolder, "history", {})
    plan = finished_run.plan
    known, folder = runner._judge(plan, data, {}, None)
    assert known == plan.expert.folder.metrics
    assert folder == str(plan.expert.folder)
    # One that was given: its own metrics may be of other images.
    for path, folder in (
        (plan.expert.folder.student, str(plan.expert.folder)),
        (tmp_path / "expert.keras", None),
    ):
        given = resolve(plan.config.replace(expert=str(path)))
        assert runner._judge(given, data, {}, None) == (None, folder)
    reference = plan.expert.folder
    baseline = resolve(plan.config.replace(method="baseline"))
    assert runner._judge(baseline, data, {}, None) == (None, None)
    assert runner._judge(baseline, data, {}, reference)[1] == str(reference)
