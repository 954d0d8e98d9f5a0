"""Runs with exits, views and augmentations leave the plain student."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.deploy.finished_run import RunFacts
from keras_artkd.deploy.formats import open_model
from keras_artkd.report import write_report
from keras_artkd.report.run import read_run
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.delivery import EXPORTS, export_student
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import load_data, run
from keras_artkd.runs.training import train
from tests.runs.settings import small_plan


@pytest.fixture
def config(arrays, tmp_path):
    plan = small_plan(
        "npz", data_dir=str(arrays), workdir=str(tmp_path / "runs")
    )
    return plan.config


@pytest.fixture
def plain():
    """The student as it is without what a training adds."""
    return models.build("wrn_10_1", 4, (16, 16, 3))


def size_of_plain_export(plan, data, plain):
    """Of a network with the weights' shapes, none of them equal."""
    random = np.random.default_rng(0)
    plain.set_weights(
        [random.uniform(0.1, 1, w.shape) for w in plain.get_weights()]
    )
    facts = RunFacts(plan.settings, plan.folder.data, plan.folder.metrics)
    (report,) = export_student(plan, data, facts, plain).reports.values()
    return report["size_bytes"]


@pytest.mark.exhaustive
def test_rotations_and_exits_are_for_the_training(
    config, arrays, plain, short_runs, tmp_path, monkeypatch, capsys
):
    """With an expert that knows the rotations too."""
    exports = {"tflite": EXPORTS["tflite"]}
    monkeypatch.setattr("keras_artkd.runs.delivery.EXPORTS", exports)
    expert = models.build("wrn_10_1", 16, (16, 16, 3))
    models.with_rotations(expert).save(tmp_path / "expert.keras")
    plan = resolve(
        config.replace(
            method="kd+skdsam",
            augment=("sla", "mixup", "cutout"),
            expert=str(tmp_path / "expert.keras"),
        )
    )
    data = load_data(plan)
    metrics = run(plan, data)
    assert "over four rotations" in capsys.readouterr().out
    assert set(metrics["test_rotations"]) == {"accuracy", "macro_accuracy"}
    assert metrics["parameters"] == plain.count_params()
    assert metrics["expert"]["parameters"] == plain.count_params()
    assert plan.folder.settings["cutout_side"] == 4
    history = plan.folder.history
    assert len(history["skdsam_spread"]) == 1
    assert "val_skdsam_spread" not in history

    student = keras.models.load_model(plan.folder.student)
    assert student.output_shape == (None, 4)
    # It keeps the columns of all rotations, to teach, and no exit.
    endpoints = models.get_endpoints(student)
    assert endpoints["logits"].shape == (None, 16)
    assert not [name for name in endpoints if name.startswith("exit")]
    assert len(student.weights) == len(plain.weights)
    # The checkpoint, from which a run resumes, does have the exits.
    with np.load(plan.folder.checkpoint) as saved:
        assert len(saved.files) > 3 * len(plain.weights)

    path = plan.folder.path / "student.tflite"
    images = np.load(arrays)["x_test"]
    np.testing.assert_allclose(
        open_model(path).predict(images),
        student.predict(images.astype("float32"), verbose=0),
        rtol=1e-3,
        atol=1e-3,
    )
    write_report(plan.folder.path)
    assert "exits count" in plan.folder.report.read_text(encoding="utf-8")
    # Their cards may differ by a few words.
    size = path.stat().st_size
    assert abs(size - size_of_plain_export(plan, data, plain)) < 500


def test_answers_over_rotations_are_kept(config, arrays, short_runs):
    """Of the best epoch; and no report takes them for a teacher's."""
    plan = resolve(config.replace(method="baseline", augment=("sla",)))
    metrics = run(plan, load_data(plan))
    with np.load(plan.folder.predictions) as saved:
        assert {*saved} == {"keys", "labels", "student", "rotations"}
        kept, upright, labels = (
            saved[name] for name in ("rotations", "student", "labels")
        )
    assert np.abs(kept - upright).max() > 1e-3
    accuracy = (kept.argmax(1) == labels).mean()
    assert metrics["test_rotations"]["accuracy"] == accuracy
    images = np.load(arrays)["x_test"].astype("float32")
    for path, name in (
        (plan.folder.student, "test_rotations"),
        (plan.folder.last_student, "test_rotations_last_epoch"),
    ):
        student = keras.models.load_model(path)
        answers = models.rotation_ensemble(student).predict(images, verbose=0)
        accuracy = (answers.argmax(1) == labels).mean()
        assert metrics[name]["accuracy"] == accuracy
        assert {*metrics[name]} == {"accuracy", "macro_accuracy"}
        if path == plan.folder.student:
            np.testing.assert_allclose(kept, answers, rtol=1e-4, atol=1e-4)
    finished = read_run(plan.folder.path)
    assert [*finished.logits] == ["student"] and not finished.teachers


# Methods with views, and the terms that they log.
TERMS = {
    "ddgsd+frskd": ("view_kd", "view_mmd", "feature_refinement"),
    "cs_kd+pd_byot": ("view_kd", "byot"),
    "sla_sd": ("rotation_distillation",),
}


@pytest.mark.parametrize(
    "method",
    [
        pytest.param("ddgsd+frskd", marks=pytest.mark.exhaustive),
        pytest.param("cs_kd+pd_byot", marks=pytest.mark.exhaustive),
        "sla_sd",
    ],
)
def test_methods_with_views_train(method, config, short_runs, tmp_path):
    plan = resolve(config.replace(method=method, augment=("mixup",)))
    folder = RunFolder(tmp_path / "run")
    distiller, _ = train(plan, load_data(plan), None, folder, verbose=0)
    history = folder.history
    assert set(TERMS[method]) <= set(history)
    assert all(np.isfinite(values).all() for values in history.values())
    student = models.without_exits(distiller.student)
    assert student.output_shape == (None, 4)
