"""A student trained more for its int8 file."""

import shutil

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.data.store import ImageStore
from keras_artkd.deploy.export import export_tflite, verify
from keras_artkd.deploy.export.run import export_run
from keras_artkd.deploy.formats import open_model
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.report.run import read_run
from keras_artkd.run_folder import METRICS, RunFolder
from keras_artkd.runs import fine_tuning
from keras_artkd.runs.fine_tuning import fine_tune_run
from tests.deploy.networks import stripes, with_solved_head
from tests.models.unequal import with_unequal_channels

INT8_CONCERN = {"what": "Its int8 file is right about fewer.", "next": "-"}


@pytest.fixture
def folder(finished_run, tmp_path):
    """A copy of the run, to be changed."""
    path = shutil.copytree(finished_run.plan.folder.path, tmp_path / "run")
    return RunFolder(path)


def content(folder):
    return {
        path.relative_to(folder.path): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file()
    }


def test_a_network_that_int8_harms_gains_it_back(tmp_path):
    """Trained on half of the images, compared on the others."""
    images, labels = stripes(400, 24)
    images = images.astype("uint8")
    store = ImageStore.from_array(images[:200], labels[:200], np.arange(200))
    pooled = models.build("wrn_10_1", 5, (24, 24, 3))
    pooled(images[:100].astype("float32"), training=True)
    pooled = keras.Model(pooled.inputs, pooled.get_layer("pool").output)
    network = with_solved_head(pooled, images[:200], labels[:200])
    with_unequal_channels(network)
    teacher = keras.models.clone_model(network)
    teacher.set_weights(network.get_weights())
    logits = teacher.predict(images[200:], verbose=0)

    def measure():
        path = tmp_path / "student.tflite"
        export_tflite(network, path, "int8", images[:100])
        return verify(path, images[200:], logits, labels[200:])

    before = measure()
    fine_tuning.fine_tune(network, teacher, store, 24, 4, 10, 0, False)
    after = measure()
    assert after["accuracy"] > before["accuracy"] + 0.05
    assert after["agreement"] > before["agreement"] + 0.05
    # The teacher was only asked.
    np.testing.assert_array_equal(
        teacher.predict(images[200:], verbose=0), logits
    )


def test_a_run_tells_of_its_new_file(folder, monkeypatch, tmp_path):
    """And nothing else of it changes."""
    # What a training leaves whose int8 file did not pass the gate.
    (folder.path / "student_int8.tflite").unlink()
    metrics = folder.metrics
    metrics["verdict"]["concerns"] = [INT8_CONCERN]
    metrics["failed_exports"] = {"tflite_int8": {"file": "student_int8.tflite"}}
    del metrics["exports"]["tflite_int8"]
    folder.write(METRICS, metrics)
    before = content(folder)

    def learn(student, teacher, store, *settings):
        assert len(store) == len(folder.data["splits"]["train"])
        kernel = student.get_layer("logits").kernel
        kernel.assign(1.1 * kernel)

    def bad(path, *images):
        """Of the file before, which this easy run's student does not give."""
        return verify(path, *images) | {"accuracy": 0.0}

    monkeypatch.setattr(fine_tuning, "fine_tune", learn)
    monkeypatch.setattr(fine_tuning, "verify", bad)
    result = fine_tune_run(folder.path, epochs=3)

    assert result.report is not None
    assert result.after["accuracy"] > result.before["accuracy"]
    after = content(folder)
    changed = {
        str(path)
        for path in {*before, *after}
        if before.get(path) != after.get(path)
    }
    assert {path for path in changed if "figures" not in path} == {
        "student_int8.tflite",
        "student_fine_tuned.keras",
        "metrics.json",
        "MODEL_CARD.md",
        "report.html",
        "golden/golden.json",
    }
    metrics = folder.metrics
    assert "failed_exports" not in metrics
    assert metrics["verdict"]["concerns"] == []
    export = metrics["exports"]["tflite_int8"]
    assert export["fine_tuned"] == 3 and "test images" in export["held_out"]
    assert export["judged"]["agreement"] == result.after["agreement"]

    # A later export has this student, too, wherever it goes.
    again, report = export_run(
        folder.path, "tflite", "int8", tmp_path / "again.tflite"
    )
    assert report["fine_tuned"] == 3
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), "uint8")
    np.testing.assert_array_equal(
        LiteModel(again).predict(images),
        LiteModel(folder.path / "student_int8.tflite").predict(images),
    )
    assert export["size_bytes"] == result.path.stat().st_size
    card = open_model(result.path).info.card
    assert "trained 3 epochs more for this file" in card
    tuned = open_model(folder.fine_tuned_student)
    assert tuned.info.class_names == folder.data["class_names"]
    assert read_run(folder.path).metrics["exports"] == metrics["exports"]


def test_what_is_no_better_leaves_what_was_there(folder, monkeypatch):
    monkeypatch.setattr(fine_tuning, "fine_tune", lambda *arguments: None)
    before = content(folder)
    result = fine_tune_run(folder.path, epochs=1)
    assert result.report is None
    assert result.after["accuracy"] == result.before["accuracy"]
    assert content(folder) == before


def test_bad_input(folder):
    before = content(folder)
    with pytest.raises(ValueError, match="at least 1. Received: epochs=0"):
        fine_tune_run(folder.path, epochs=0)
    with pytest.raises(ValueError, match="one of none for the format saved"):
        fine_tune_run(folder.path, 1, "saved_model")
    folder.write(METRICS, folder.metrics | {"folds": [{"accuracy": 0.5}]})
    with pytest.raises(ValueError, match="needs validation images.*--fold 0"):
        fine_tune_run(folder.path, epochs=1)
    folder.write(
        METRICS, {k: v for k, v in folder.metrics.items() if k != "folds"}
    )
    assert set(content(folder)) == set(before)
