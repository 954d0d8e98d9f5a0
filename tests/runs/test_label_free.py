"""Runs that read no label: at all, or in a first stage."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.data.store import NO_LABEL
from keras_artkd.runs.checkpoint import Checkpoint
from keras_artkd.runs.compilation import compiled_distiller
from keras_artkd.runs.heads import Head, feature_model
from keras_artkd.runs.labelling import teach
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import load_data, run
from keras_artkd.runs.training import training_batches
from keras_artkd.runs.validation import check_plan
from tests.runs.settings import small_plan
from tests.runs.test_labelling import assert_same_training, colours

FIRST = {"method": "feature_distillation", "options": {"first_stage": 1}}
ALWAYS = {"method": "function_matching"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Arrays, of whose labels most are hidden; and an expert."""
    root = tmp_path_factory.mktemp("label_free")
    train, test = colours(72, 0), colours(18, 1)
    np.savez(
        root / "colours.npz",
        x_train=train[0],
        y_train=train[1],
        x_test=test[0],
        y_test=test[1],
        class_names=["red", "green", "blue"],
    )
    models.build("wrn_10_1", 3, (16, 16, 3)).save(root / "expert.keras")
    return root


def plan(place, workdir=None, **changes):
    settings = {
        "data_dir": str(place / "colours.npz"),
        "workdir": str(workdir or place / "runs"),
        "expert": str(place / "expert.keras"),
        "unlabelled": 0.75,
        "batch_size": 8,
        "epochs": 3,
        "exports": False,
        **changes,
    }
    return small_plan("npz", **settings)


@pytest.fixture(scope="module")
def data(place):
    return load_data(plan(place, **FIRST))


@pytest.mark.parametrize("changes", [FIRST, ALWAYS])
def test_images_without_labels_join(place, data, changes):
    joined = plan(place, **changes)
    taught, labels = teach(joined, data, place / "expert.keras")
    assert labels is None
    store, count = taught.train, len(data.train)
    assert len(store) == count + len(data.unlabelled)
    assert store.keys[count:].tolist() == data.unlabelled.keys.tolist()
    np.testing.assert_array_equal(
        store.targets[:count], np.eye(3)[data.train.labels]
    )
    assert not store.targets[count:].any()
    # Without any it is the data as it is.
    alone = dataclasses.replace(data, unlabelled=None)
    assert teach(joined, alone, None)[0] is alone


def sums(given, taught, epochs=3):
    """What the labels of each row sum to, epoch by epoch."""
    batches = [
        labels.numpy().sum(axis=1)
        for _, labels in training_batches(given, taught, epochs)
    ]
    return np.concatenate(batches).reshape(epochs, -1)


def test_which_labels_are_in_the_batches(place, data):
    """None in a first stage, then nothing else; never any; or all mixed."""
    for changes in (FIRST, ALWAYS):
        given = plan(place, **changes)
        taught, _ = teach(given, data, None)
        rows = len(taught.train) // 8 * 8
        assert rows > len(data.train)
        seen = sums(given, taught)
        assert seen.shape == (3, rows) and not seen[0].any()
        np.testing.assert_allclose(seen[1:], changes is FIRST, atol=1e-6)
        alone = sums(given, data)
        assert alone.shape == (3, len(data.train) // 8 * 8)
        np.testing.assert_allclose(alone, 1, atol=1e-6)
    # The labels of the second stage are not mixed, nor are they hidden ones.
    given = plan(place, **FIRST)
    taught, _ = teach(given, data, None)
    known = {image.tobytes() for image in np.eye(3, dtype="float32")}
    for _, labels in training_batches(given, taught, 3, initial_epoch=1):
        assert {row.tobytes() for row in labels.numpy()} <= known


def test_resumed_batches_are_those_of_the_whole(place, data):
    given = plan(place, **FIRST)
    taught, _ = teach(given, data, None)
    whole = [*training_batches(given, taught, 3).as_numpy_iterator()]
    for begin in (1, 2):
        rest = training_batches(given, taught, 3, begin).as_numpy_iterator()
        for one, other in zip(
            whole[len(whole) // 3 * begin :], rest, strict=True
        ):
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)


def test_the_first_stage_reads_no_label(place, data, short_runs):
    """Bit for bit, with labels that are shuffled, and with most missing."""
    given = plan(place, **FIRST)
    expert = keras.models.load_model(place / "expert.keras")
    taught, _ = teach(given, data, None)
    store = taught.train
    missing = store.targets * (np.arange(len(store)) < 4)[:, None]
    students = []
    for targets in (store.targets, np.roll(store.targets, 1, axis=1), missing):
        labels = np.where(targets.any(axis=1), targets.argmax(axis=1), NO_LABEL)
        changed = dataclasses.replace(store, targets=targets, labels=labels)
        distiller = compiled_distiller(given, data, expert, steps=6)
        distiller.fit(
            training_batches(
                given, dataclasses.replace(taught, train=changed), 1
            ).take(3),
            shuffle=False,
            verbose=0,
        )
        students.append(distiller.student.get_weights())
    for student in students[1:]:
        for one, other in zip(students[0], student, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.exhaustive
def test_a_killed_run_resumes_where_the_labels_begin(
    place, short_runs, tmp_path, monkeypatch, capsys
):
    """With the classifier that is fitted there, on the features as they are."""
    settings = {**FIRST, "fit_head_first": True, "epochs": 2}
    whole = plan(place, tmp_path, **settings)
    written = Checkpoint.on_epoch_end
    first = {}

    def note(self, epoch, logs=None):
        if not first:
            network = self.distiller.student
            first["features"] = feature_model(network).get_weights()
        written(self, epoch, logs)

    def kill(self, epoch, logs=None):
        written(self, epoch, logs)
        raise KeyboardInterrupt

    heads = []
    fitted = Head.write

    def keep(self, path):
        heads.append(self)
        fitted(self, path)

    monkeypatch.setattr(Head, "write", keep)
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "on_epoch_end", note)
        metrics = run(whole)
    assert len(heads) == 1 and "frozen_head" not in metrics
    assert "Classifier on frozen features" in capsys.readouterr().out
    described = whole.folder.data["splits"]
    assert len(described["unlabelled"]) > len(described["train"])
    assert metrics["unlabelled_images"] == len(described["unlabelled"])

    killed = plan(place, tmp_path / "again", **settings)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoint, "on_epoch_end", kill)
        run(killed)
    resumed = resolve(killed.config.replace(resume=True))
    run(resumed)
    assert_same_training(resumed.folder, whole.folder)
    np.testing.assert_array_equal(heads[0].kernel, heads[1].kernel)


def test_plans(tmp_path):
    """Which images a method has, and in which epochs it reads no label."""
    (tmp_path / "others").mkdir()
    others = {"unlabelled_dir": str(tmp_path / "others"), "epochs": 9}
    for method, first, free, learns in (
        ("feature_distillation", 6, 6, True),
        ("feature_distillation+kd", 6, 6, True),
        ("function_matching", 0, 9, True),
        ("function_matching+kd", 0, 0, False),
        ("unlabelled", 0, 0, True),
        ("ab", 0, 0, False),
    ):
        given = small_plan("atelier", method=method, **others)
        assert (given.first_stage, given.label_free_epochs) == (first, free)
        assert given.learns_unlabelled == learns
        assert ("unlabelled_dir" in given.load_arguments) == learns
        assert ("unlabelled_dir" in given.identity) == learns
    given = small_plan("atelier", **FIRST, epochs=240)
    assert given.first_stage == 1


def test_mistakes():
    for changes, message in (
        ({"epochs": 1}, "leave none for the labels.*first_stage"),
        ({"epochs": 3, "ema_momentum": 0.9}, "ema_momentum=0.9.*leave it out"),
        ({"epochs": 3, "expert_views": 2}, "changes images anew"),
    ):
        with pytest.raises(ValueError, match=message):
            check_plan(small_plan("atelier", **FIRST, **changes))
