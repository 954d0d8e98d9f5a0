"""Folds of a run: every image tested once, then a model of all."""

import pathlib
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from keras_artkd.cli.main import main
from keras_artkd.files import read_json
from keras_artkd.report import write_report
from keras_artkd.run_folder import METRICS, RunFolder
from keras_artkd.runs import fold_results, folds, runner
from keras_artkd.runs.budget import Speed
from keras_artkd.runs.delivery import Exports
from keras_artkd.runs.fold_results import evaluate_folds, exports_of_folds
from keras_artkd.runs.folds import run_folds
from keras_artkd.runs.open_plan import choice_file
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.validation import check_plan
from tests.runs import finished
from tests.runs.settings import small, small_plan
from tests.runs.short import short_runs

FOLDS = 2


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Two folds of 36 images, taught by an expert of their own; all run."""
    root = tmp_path_factory.mktemp("folds")
    finished.paint(root / "images", count=12)
    config = small(
        "folder",
        data_dir=str(root / "images"),
        workdir=str(root / "runs"),
        method="kd",
        expert_epochs=2,
        folds=FOLDS,
        epochs=3,
        batch_size=8,
    )
    plan = resolve(config)
    with short_runs(exports=("tflite", "tflite_int8")):
        run_folds(plan, minutes=1, started=0)
    write_report(plan.folder.path)
    return plan


@pytest.fixture
def copy(plan, tmp_path):
    """The plan with its finished runs in a folder of the test's own."""
    shutil.copytree(plan.config.output.workdir, tmp_path / "runs")
    return resolve(plan.config.replace(workdir=str(tmp_path / "runs")))


def answers_of(folders, role="student"):
    """Right answers of several runs, and how many there are."""
    right = tested = 0
    for folder in folders:
        with np.load(folder.predictions) as saved:
            answers = saved[role].argmax(1)
            right += (answers == saved["labels"]).sum()
            tested += len(answers)
    return right, tested


def test_the_metrics_are_those_of_all_folds(plan):
    metrics, parts = plan.folder.metrics, [f.folder for f in plan.folds]
    right, tested = answers_of(parts)
    assert tested == metrics["test"]["num_examples"] == 36
    assert metrics["test"]["accuracy"] == pytest.approx(right / 36)
    assert [fold["run"] for fold in metrics["folds"]] == [f.name for f in parts]
    # Trained alike: nothing chooses an epoch, of a fold or of all images.
    chosen = [f.metrics["epoch_chosen_by"] for f in (*parts, plan.folder)]
    assert {*chosen} == {"folds"}
    assert {f.metrics["best_epoch"] for f in (*parts, plan.folder)} == {3}
    assert "validation" not in metrics


def test_the_expert_is_that_of_all_folds(plan):
    """Each fold has an expert of its own, and the model of all has one."""
    experts = [fold.expert.folder for fold in plan.folds]
    assert len({*experts, plan.expert.folder}) == FOLDS + 1
    right, _ = answers_of([f.folder for f in plan.folds], "expert")
    metrics = plan.folder.metrics
    assert metrics["expert"]["test_accuracy"] == pytest.approx(right / 36)
    judged = metrics["verdict"]["compared"]["expert"]
    assert judged == pytest.approx(right / 36)
    assert answers_of(experts) == (right, 36)
    assert len(plan.expert.folder.data["splits"]["train"]) == 36


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
    assert exports == exports_of_folds(plan, Exports(exports, {})).reports


def test_a_file_that_a_fold_lacks_is_not_kept(copy):
    folder, fold = copy.folder, copy.folds[1].folder
    metrics = fold.metrics
    # All failed is not the same as none asked for.
    fold.write(METRICS, metrics | {"exports": {}, "failed_exports": {"a": {}}})
    fold_results.check_folds_finished(copy)
    del metrics["exports"]["tflite_int8"]
    fold.write(METRICS, metrics)
    exports = exports_of_folds(copy, Exports(folder.metrics["exports"], {}))
    assert set(exports.reports) == {"tflite"}
    assert "1 of 2 folds have none" in exports.failed["tflite_int8"]["reason"]
    assert not any("drop" in key for key in exports.reports["tflite"])
    assert not (folder.path / "student_int8.tflite").exists()
    assert (folder.path / "student.tflite").exists()


@pytest.mark.parametrize("lacking", [0, 1])
def test_answers_over_rotations_are_of_all_folds(copy, lacking):
    """Not a teacher's; where a fold has none, an older one, there are none."""
    folders = [fold.folder for fold in copy.folds]
    for folder in folders[lacking:]:
        with np.load(folder.predictions) as saved:
            arrays = dict(saved)
        turned = np.roll(arrays["student"], 1, axis=1)
        folder.write_arrays(folder.predictions, **arrays, rotations=turned)
    student = keras.models.load_model(copy.folder.student)
    data = runner.load_data(copy)
    metrics = evaluate_folds(copy, data, student)
    with np.load(copy.folder.predictions) as saved:
        assert ("rotations" in saved) == (not lacking)
    if lacking:
        assert "test_rotations" not in metrics
    else:
        right, _ = answers_of(folders, "rotations")
        accuracy = metrics["test_rotations"]["accuracy"]
        assert accuracy == pytest.approx(right / 36)
        assert answers_of([copy.folder], "rotations") == (right, 36)
    assert "rotations" not in metrics


def test_it_says_that_it_was_trained_on_everything(plan):
    data = plan.folder.data
    assert len(data["splits"]["train"]) == 36
    assert data["splits"]["test"] == data["splits"]["validation"] == []
    card = plan.folder.card.read_text("utf-8")
    assert "36 images, and all of them trained this model" in card
    assert "of which the last is kept" in card
    assert "val_accuracy" not in plan.folder.history
    assert not plan.folder.attention.exists()
    page = plan.folder.report.read_text("utf-8")
    assert "Every one of 36 images" in page


def test_typed_again_nothing_is_trained(plan, capsys):
    run_folds(plan, minutes=1, started=0)
    printed = capsys.readouterr().out
    assert printed.count("Finished before") == FOLDS
    assert "This run is finished" in printed


def test_its_training_images_are_no_test(plan, capsys):
    folder = str(plan.folder)
    assert main(["evaluate", folder]) == 2
    error = capsys.readouterr().err
    assert "has none to be tested on" in error
    assert plan.folds[1].folder.name in error
    images = ["--data-dir", plan.config.data.data_dir]
    assert main(["evaluate", folder, *images, "--split", "test"]) == 2
    assert "must have a test split" in capsys.readouterr().err
    assert main(["evaluate", folder, *images]) == 0
    note = capsys.readouterr().err
    assert "36 of these 36 images" in note and "--split test" not in note


def test_a_file_made_later_says_what_it_was_measured_on(plan, tmp_path, capsys):
    path = tmp_path / "later.tflite"
    words = [str(plan.folder), "--format", "tflite", "--output", str(path)]
    assert main(["export", *words]) == 0
    assert "of 3 training images" in capsys.readouterr().out


def test_a_model_of_all_images_comes_after_its_folds(plan):
    other = resolve(plan.config.replace(seed=1))
    with pytest.raises(ValueError, match="2 of 2 folds not finished"):
        runner.run(other)
    assert not other.folder.is_begun


def test_folds_without_files_are_told_before_the_training(copy):
    for fold in copy.folds:
        metrics = {**fold.folder.metrics, "exports": {}}
        fold.folder.write("metrics.json", metrics)
    shutil.rmtree(copy.folder.path)
    with pytest.raises(ValueError, match="2 folds without files"):
        runner.run(copy)
    assert not copy.folder.is_begun


@pytest.mark.parametrize("name", ["artist00_0", "artist99_99"])
def test_images_that_changed_are_told_before_the_training(name, plan, copy):
    """One that is another, or one more."""
    path = pathlib.Path(plan.config.data.data_dir, "blue", f"{name}.png")
    before = path.read_bytes() if path.exists() else None
    shutil.rmtree(copy.folds[1].folder.path)
    try:
        Image.fromarray(np.zeros((20, 26, 3), "uint8")).save(path)
        with pytest.raises(ValueError, match="The images changed"):
            run_folds(copy, minutes=1, started=0)
    finally:
        path.unlink()
        if before is not None:
            path.write_bytes(before)
    assert not copy.folds[1].folder.is_begun


def test_the_epochs_of_all_folds_are_chosen_once(tmp_path, monkeypatch, capsys):
    finished.paint(tmp_path / "images", count=12)
    plan = small_plan(
        "folder",
        data_dir=str(tmp_path / "images"),
        workdir=str(tmp_path / "runs"),
        method="baseline",
        folds=FOLDS,
        epochs=0,
    )
    monkeypatch.setattr(
        "keras_artkd.runs.budget.measure", lambda *_: Speed(1.0, 0.1)
    )
    begun = []
    monkeypatch.setattr(
        folds, "run_with_reference", lambda plan, data: begun.append(plan)
    )
    monkeypatch.setattr(runner, "run", lambda plan, data: begun.append(plan))
    run_folds(plan, minutes=3, started=0)
    assert "it takes at most about 9 minutes" in capsys.readouterr().out
    assert len({p.config.schedule.epochs for p in begun}) == 1
    assert begun == [*begun[-1].folds, begun[-1]]
    for part in (*plan.folds, plan):
        settings = read_json(choice_file(part, 3, 1))["settings"]
        assert settings["epochs"] == begun[0].config.schedule.epochs
    again = list(begun)
    run_folds(plan, minutes=3, started=0)
    assert begun == again * 2


def test_a_fold_is_a_run_of_its_own():
    plan = small_plan("folder", data_dir="images", folds=5)
    one = small_plan("folder", data_dir="images", folds=5, fold=2)
    assert plan.is_of_all_folds
    assert not one.is_of_all_folds
    assert plan.folds[2].folder == one.folder
    assert len({fold.folder for fold in plan.folds} | {plan.folder}) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "kd", "expert": __file__}, "images that some fold tests"),
        ({"method": "pseudo_soft", "unlabelled": 0.5}, "hides labels"),
    ],
)
def test_what_folds_cannot_have(changes, message, plan):
    images = plan.config.data.data_dir
    if "expert" in changes:
        changes = {"method": "kd", "expert": str(plan.folder.student)}
    with pytest.raises(ValueError, match=message):
        check_plan(small_plan("folder", data_dir=images, folds=5, **changes))


@pytest.mark.parametrize(
    "words",
    [
        ["search", "--method", "kd"],
        ["study", "000/4.13"],
        ["train", "--sizes", "tiny", "small"],
    ],
)
def test_commands_that_go_by_one_split(words, plan, capsys):
    command, *rest = words
    key = [rest.pop(0)] if command == "study" else []
    images = plan.config.data.data_dir
    assert main([command, *key, images, *rest, "--folds", "3"]) == 2
    assert "--folds" in capsys.readouterr().err


@pytest.mark.exhaustive
def test_students_without_an_expert_are_judged_by_those_of_their_folds(copy):
    alone = resolve(copy.config.replace(method="baseline", exports=False))
    with short_runs():
        run_folds(alone, minutes=1, started=0)
    right, _ = answers_of([fold.expert.folder for fold in copy.folds])
    judged = alone.folder.metrics["verdict"]["compared"]
    assert judged["expert"] == pytest.approx(right / 36)
    experts = [
        folder
        for path in alone.folder.path.parent.glob("baseline-*")
        if (folder := RunFolder(path)).settings["epochs"] == 2
    ]
    # Of the folds; one on all images was not trained for this.
    assert len(experts) == FOLDS + 1
