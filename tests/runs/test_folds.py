"""Folds of a run: every image tested once, then a model of all."""

import numpy as np
import pytest

from keras_artkd.cli.main import main
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.reference import run_folds
from keras_artkd.runs.runner import run
from tests.runs import finished
from tests.runs.settings import small, small_plan

FOLDS = 3


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Three folds of 36 images, with an expert that judges; all run."""
    root = tmp_path_factory.mktemp("folds")
    finished.paint(root / "images", count=12)
    config = small(
        "folder",
        data_dir=str(root / "images"),
        workdir=str(root / "runs"),
        method="baseline",
        expert_epochs=2,
        folds=FOLDS,
        epochs=3,
        batch_size=8,
    )
    plan = resolve(config)
    run_folds(plan, minutes=1, started=0)
    return plan


def test_the_metrics_are_those_of_all_folds(plan):
    metrics, folds = plan.folder.metrics, [f.folder for f in plan.folds]
    right = tested = 0
    for folder in folds:
        with np.load(folder.predictions) as saved:
            answers = saved["student"].argmax(1)
            right += (answers == saved["labels"]).sum()
            tested += len(answers)
    assert tested == metrics["test"]["num_examples"] == 36
    assert metrics["test"]["accuracy"] == pytest.approx(right / 36)
    assert [fold["run"] for fold in metrics["folds"]] == [f.name for f in folds]
    assert metrics["epoch_chosen_by"] == "nobody"
    assert "validation" not in metrics


def test_the_expert_is_that_of_all_folds(plan):
    experts = [
        folder.metrics
        for path in plan.folder.path.parent.glob("baseline-*")
        if (folder := RunFolder(path)).settings["epochs"] == 2
    ]
    assert len(experts) == FOLDS
    shares = [each["test"]["accuracy"] for each in experts]
    judged = plan.folder.metrics["verdict"]["compared"]
    assert judged["expert"] == pytest.approx(np.mean(shares))


def test_files_have_the_accuracy_of_the_folds(plan):
    exports = plan.folder.metrics["exports"]
    for kind, export in exports.items():
        shares = [
            fold.folder.metrics["exports"][kind]["accuracy"]
            for fold in plan.folds
        ]
        assert export["accuracy"] == pytest.approx(np.mean(shares))
        assert (plan.folder.path / export["file"]).exists()
    assert exports["tflite"]["held_out"] == "36 training images"


def test_it_says_that_it_was_trained_on_everything(plan):
    data = plan.folder.data
    assert len(data["splits"]["train"]) == 36
    assert data["splits"]["test"] == data["splits"]["validation"] == []
    card = plan.folder.card.read_text("utf-8")
    assert "36 images, and all of them trained this model" in card
    assert "of which the last is kept" in card
    assert "val_accuracy" not in plan.folder.history
    page = plan.folder.report.read_text("utf-8")
    assert "Every one of 36 images" in page


def test_typed_again_nothing_is_trained(plan, capsys):
    run_folds(plan, minutes=1, started=0)
    printed = capsys.readouterr().out
    assert printed.count("Finished before") == FOLDS
    assert "This run is finished" in printed


def test_a_model_of_all_images_comes_after_its_folds(plan):
    other = resolve(plan.config.replace(seed=1))
    with pytest.raises(ValueError, match="3 of 3 folds not finished"):
        run(other)
    assert not other.folder.is_begun


def test_images_that_changed_after_their_fold(plan, tmp_path):
    """A fold that was run before an image came is no part of the whole."""
    finished.paint(tmp_path / "images", count=9)
    moved = resolve(plan.config.replace(data_dir=str(tmp_path / "images")))
    for fold, other in zip(moved.folds, plan.folds, strict=True):
        fold.folder.path.parent.mkdir(parents=True, exist_ok=True)
        fold.folder.path.symlink_to(other.folder.path.resolve())
    with pytest.raises(ValueError, match="36 tested images, 27 images"):
        run(moved)


def test_a_fold_is_a_run_of_its_own():
    plan = small_plan("folder", data_dir="images", folds=5)
    one = small_plan("folder", data_dir="images", folds=5, fold=2)
    assert plan.is_of_all_folds
    assert not one.is_of_all_folds
    assert plan.folds[2].folder == one.folder
    assert len({fold.folder for fold in plan.folds} | {plan.folder}) == 6


def test_sizes_are_compared_on_one_split(tmp_path, capsys):
    finished.paint(tmp_path / "images", count=4)
    words = [str(tmp_path / "images"), "--folds", "3"]
    assert main(["train", *words, "--sizes", "tiny", "small"]) == 2
    assert "--sizes and --folds" in capsys.readouterr().err
