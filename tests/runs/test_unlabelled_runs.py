"""Runs of the method `unlabelled`, from the data to the report."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.data.store import ImageStore
from keras_artkd.report import write_report
from keras_artkd.report.run import read_run
from keras_artkd.runs import labelling
from keras_artkd.runs.checkpoint import Checkpoint
from keras_artkd.runs.label_table import write_labels
from keras_artkd.runs.labelling import teach
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.pseudo_labels import label_images
from keras_artkd.runs.runner import load_data, run
from keras_artkd.runs.training import training_batches
from tests.runs.settings import small_plan
from tests.runs.test_labelling import assert_same_training, colours


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Arrays, of whose labels most are hidden; and an expert."""
    root = tmp_path_factory.mktemp("unlabelled")
    train, test = colours(96, 0), colours(18, 1)
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
        "unlabelled": 0.8,
        "method": "unlabelled",
        "batch_size": 8,
        **changes,
    }
    return small_plan("npz", **settings)


@pytest.fixture(scope="module")
def data(place):
    return load_data(plan(place))


@pytest.fixture
def some_strange(monkeypatch):
    """Makes every fourth image without a label a strange one."""

    class Domain:
        @classmethod
        def of(cls, *arguments):
            return cls()

        def distances(self, features):
            rows = np.arange(len(features), dtype="float32")
            return np.where(rows % 4 == 0, 1.5 + rows / 100, 0.5)

    monkeypatch.setattr(labelling, "Domain", Domain)


def test_what_is_learned(place, data, some_strange):
    """The labels that are there, and nothing of the hidden ones."""
    taught, labels = teach(plan(place), data, place / "expert.keras")
    store = taught.train
    assert isinstance(store, ImageStore)
    count = len(data.train)
    assert store.has_label.tolist() == [True] * count + [False] * int(
        labels.used.sum()
    )
    np.testing.assert_array_equal(
        store.targets[:count], np.eye(3)[data.train.labels]
    )
    assert labels.strange.sum() == -(-len(labels) // 4)
    left_out = {*data.unlabelled.keys[labels.strange].tolist()}
    assert not left_out & {*store.keys.tolist()}
    others = dataclasses.replace(
        data, hidden_labels=(data.hidden_labels + 1) % 3
    )
    same, _ = teach(plan(place), others, place / "expert.keras")
    for field in dataclasses.fields(store):
        np.testing.assert_array_equal(
            getattr(same.train, field.name), getattr(store, field.name)
        )


def test_every_batch_has_its_share_of_labels(place, data):
    whole = plan(place, options={"in_domain": 1.0})
    taught, _ = teach(whole, data, place / "expert.keras")
    assert len(taught.train) == len(data.train) + len(data.unlabelled)
    for _, targets in training_batches(whole, taught, epochs=2):
        assert targets.numpy().any(axis=1).sum() == 2


def test_the_model_of_all_folds_goes_by_its_folds(place, data, tmp_path):
    """What most of them left out is left out: no image is left to measure."""
    whole = small_plan(
        "folder",
        data_dir=str(place),
        workdir=str(tmp_path),
        method="unlabelled",
        folds=3,
    )
    expert = place / "expert.keras"
    labels = label_images(
        keras.models.load_model(expert), data.unlabelled, whole.crop_size
    )
    # The first by all of the folds, the second by one, the third by two.
    for number, fold in enumerate(whole.folds):
        used = np.ones(len(labels), bool)
        used[:3] = [False, number != 0, number == 0]
        fold.folder.path.mkdir(parents=True)
        write_labels(
            fold.folder.pseudo_labels,
            dataclasses.replace(labels, used=used),
            data.class_names,
        )
    _, taught = teach(whole, data, expert)
    assert taught.used[:3].tolist() == [False, True, False]
    assert taught.used[3:].all() and taught.distance is None


# With answers that are kept.
KEPT = {"expert_views": 2, "epochs": 3, "exports": False}


@pytest.mark.exhaustive
def test_a_killed_run_resumes_to_the_same_training(
    place, some_strange, short_runs, tmp_path, monkeypatch
):
    whole = plan(place, tmp_path, **KEPT)
    metrics = run(whole)
    killed = plan(place, tmp_path / "again", **KEPT)
    assert killed.folder.name == whole.folder.name
    written = Checkpoint.on_epoch_end

    def kill(self, epoch, logs=None):
        written(self, epoch, logs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoint, "on_epoch_end", kill)
        run(killed)
    resumed = resolve(killed.config.replace(resume=True))
    assert run(resumed)["pseudo_labels"] == metrics["pseudo_labels"]
    assert_same_training(resumed.folder, whole.folder)


def test_from_the_images_to_the_report(
    place, some_strange, short_runs, tmp_path
):
    whole = plan(place, tmp_path, **KEPT)
    metrics = run(whole)
    known = metrics["pseudo_labels"]
    assert known["strange"] == known["images"] - known["used"] > 0
    distances = [image["distance"] for image in known["left_out"]]
    assert distances == sorted(distances, reverse=True)
    sentence = (
        f"what its expert says of {known['used']} of {known['images']} images "
        f"without labels; {known['strange']} were left out"
    )
    assert sentence in metrics["verdict"]["summary"]
    write_report(whole.folder.path)
    page = whole.folder.report.read_text("utf-8")
    for image in known["left_out"]:
        assert f'alt="Left out: {image["key"]}"' in page
    assert f"<code>artkd label {whole.folder.path.resolve()}</code>" in page
    strange = "were left out as unlike the labelled ones"
    assert strange in whole.folder.card.read_text("utf-8")
    # Pictures that somebody removed are no damage.
    for file in whole.folder.left_out.iterdir():
        file.unlink()
    write_report(whole.folder.path)
    assert "Left out: " not in whole.folder.report.read_text("utf-8")
    assert read_run(whole.folder.path).metrics == whole.folder.metrics
