"""Whole programs on small data, as their users run them."""

import contextlib
import dataclasses
import importlib
import io
import json
import os
import pathlib
import runpy
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from keras_artkd.evaluate import classification_metrics
from keras_artkd.files import read_json
from recipes.common import main, run
from recipes.config import Config
from recipes.demo import compare
from recipes.study import run_ablation
from tests.datasets import archives

ROOT = pathlib.Path(__file__).parents[2]
RECIPES = sorted(
    path.stem
    for path in (ROOT / "recipes").glob("*.py")
    if "CONFIG = " in path.read_text()
)
SMALL = {
    "student": "wrn_10_1",
    "initial": "wrn_10_1",
    "expert_network": "wrn_10_1",
    "image_size": 16,
    "epochs": 1,
    "batch_size": 16,
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Three classes of plain colours with noise, two artists each."""
    root = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for label, name in enumerate(("blue", "green", "red")):
        (root / name).mkdir()
        for index in range(24):
            pixels = random.integers(0, 120, (20, 26, 3), dtype="uint8")
            pixels[..., 2 - label] += 120
            artist = f"artist{label}{index % 6}"
            Image.fromarray(pixels).save(root / name / f"{artist}_{index}.png")
    (root / "red" / "artist_broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    return root


def small(recipe, **changes):
    config = importlib.import_module(f"recipes.{recipe}").CONFIG
    return dataclasses.replace(config, **{**SMALL, **changes})


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    """A run of the thesis's method: its configuration, metrics and output."""
    config = small(
        "folder",
        data_dir=str(images),
        workdir=str(tmp_path_factory.mktemp("runs")),
        epochs=3,
        group="artist",
    )
    with contextlib.redirect_stdout(io.StringIO()) as output:
        metrics = run(config)
    return config, metrics, output.getvalue()


def test_there_is_a_recipe_for_every_data_set_of_the_thesis():
    assert {"pandora", "wikiart", "painting100k", "folder", "atelier"} <= set(
        RECIPES
    )


@pytest.mark.parametrize("recipe", RECIPES)
def test_names_match_files_and_defaults_are_the_thesis(recipe):
    config = importlib.import_module(f"recipes.{recipe}").CONFIG
    assert config.recipe == recipe
    if recipe in ("pandora", "wikiart", "painting100k", "folder", "atelier"):
        thesis = Config(recipe=recipe, dataset=config.dataset)
        assert config == thesis
        assert (thesis.epochs, thesis.batch_size) == (200, 128)
        assert (thesis.learning_rate, thesis.momentum) == (0.01, 0.9)
        assert (thesis.drops, thesis.drop_factor) == ((0.3, 0.6), 0.2)
        assert (thesis.image_size, thesis.weight_decay) == (64, 5e-4)
        assert (thesis.student, thesis.initial) == ("wrn_16_2", "wrn_40_2")


@pytest.mark.slow
def test_folder_end_to_end(finished):
    config, metrics, output = finished
    run_dir = config.run_dir
    assert {p.name for p in run_dir.iterdir()} == {
        "MODEL_CARD.md",
        "attention.npz",
        "checkpoint.npz",
        "command.txt",
        "config.json",
        "data.json",
        "figures",
        "gallery",
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
    assert json.loads((run_dir / "metrics.json").read_text()) == metrics
    assert metrics["head"] == "awgram"
    assert metrics["class_names"] == ["blue", "green", "red"]
    assert (
        np.sum(metrics["test"]["confusion_matrix"])
        == metrics["test"]["num_examples"]
    )
    for kind, export in metrics["exports"].items():
        assert export["size_bytes"] > 10_000
        assert export["agreement"] > (0.5 if "int8" in kind else 0.999)
    data = json.loads((run_dir / "data.json").read_text())
    splits = [set(keys) for keys in data["splits"].values()]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 72
    artists = [{key.split("_")[0] for key in split} for split in splits]
    assert sum(map(len, artists)) == len(set.union(*artists))
    assert [s["key"] for s in data["skipped"]] == ["red/artist_broken.jpg"]
    assert "artist_broken.jpg" in output
    assert list((run_dir / "logs").rglob("events*"))

    student = keras.models.load_model(run_dir / "student.keras")
    assert list(student.endpoints)[-1] == "logits"


@pytest.mark.slow
def test_a_finished_run_and_a_given_expert(finished, short_runs):
    config = finished[0]
    # It is never overwritten.
    with pytest.raises(ValueError, match="This run is finished"):
        run(config)
    # An expert given as a file is not trained again.
    expert = config.expert_config().run_dir / "student.keras"
    given = dataclasses.replace(config, method="kd", expert=str(expert))
    assert given.run_dir != config.run_dir
    assert run(given)["expert"]["name"] == "wrn_10_1"


@pytest.mark.slow
def test_ablation_runs_and_reuses_its_rows(
    finished, short_runs, tmp_path, capsys
):
    """Some are finished before: the method's own and its expert's."""
    shutil.copytree(finished[0].workdir, tmp_path, dirs_exist_ok=True)
    config = dataclasses.replace(finished[0], workdir=str(tmp_path))
    # The expert is a run of its own, and is used again.
    expert = config.expert_config().run_dir / "metrics.json"
    trained = expert.stat().st_mtime
    assert run_ablation(config) == {}
    assert expert.stat().st_mtime == trained
    first = capsys.readouterr().out
    (path,) = (tmp_path / "folder").glob("study-000-4.13-own-*/results.json")
    rows = read_json(path)["cells"]
    assert [row["published"] for row in rows] == [
        *(60.76, 62.04, 63.21, 64.71, 66.83)
    ]
    assert all(row["mean"] is not None for row in rows)
    assert run_ablation(config) == {}
    assert read_json(path)["cells"] == rows
    second = capsys.readouterr().out
    assert "Exporting" in first and "Exporting" not in second
    assert "| + AWGram | 66.83 |" in second


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["pandora", "wikiart", "painting100k"])
def test_archives_end_to_end(recipe, short_runs, tmp_path, monkeypatch):
    """The official layouts, made small."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    getattr(archives, f"make_{recipe}")(tmp_path / "archive")
    config = small(
        recipe,
        method="baseline",
        data_dir=str(tmp_path / "archive"),
        data_options={},
        workdir=str(tmp_path / "runs"),
    )
    metrics = run(config)
    assert metrics["test"]["num_examples"] > 0


@pytest.mark.slow
def test_atelier_end_to_end(short_runs, tmp_path):
    config = small(
        "atelier",
        method="baseline",
        data_options={"scenes": 12},
        workdir=str(tmp_path),
    )
    metrics = run(config)
    assert len(metrics["class_names"]) >= 12
    recomputed = classification_metrics(
        [0, 1], np.eye(len(metrics["class_names"]))[:2], metrics["class_names"]
    )
    assert set(recomputed) == set(metrics["test"])


@pytest.mark.slow
def test_runs_refuse_splits_that_changed(finished, images):
    """An expert may have been trained on what is now the test split."""
    config = finished[0]
    expert = config.expert_config().run_dir / "student.keras"
    other = dataclasses.replace(config, method="attention")
    given = dataclasses.replace(
        config, expert=str(expert), split_seed=1, options={"alpha": 0.5}
    )
    added = images / "red" / "another_one.png"
    pixels = np.random.default_rng(5).integers(0, 256, (20, 20, 3), "uint8")
    Image.fromarray(pixels).save(added)
    try:
        with pytest.raises(ValueError, match="images changed since"):
            run(other)
        with pytest.raises(ValueError, match="none of the test images"):
            run(given)
    finally:
        added.unlink()


def test_student_mistakes_come_before_the_data_and_the_expert(tmp_path):
    for changes, message in (
        ({"student": "wrn_99_1"}, "depth=99"),
        ({"correlation": "kendall"}, "kendall"),
        ({"options": {"temperature": -1}}, "temperature=-1"),
        ({"options": {"l2_teacher": "expret"}}, "l2_teacher='expret'"),
        ({"method": "byot+skdsam"}, "exits of one method"),
    ):
        # Loading it would be another error.
        settings = {"data_dir": "nowhere", "workdir": str(tmp_path)}
        with pytest.raises(ValueError, match=message):
            run(small("folder", **settings, **changes))
    assert not list(tmp_path.iterdir())


def test_the_demo_s_mistakes_come_before_its_baseline(tmp_path):
    options = {"l2_teacher": "expret"}
    with pytest.raises(ValueError, match="l2_teacher='expret'"):
        compare(small("demo", workdir=str(tmp_path), options=options))
    assert not list(tmp_path.iterdir())


def test_expert_weights_are_the_experts_alone():
    config = small(
        "folder",
        expert_network="convnext_tiny",
        expert_weights="imagenet",
        method="kd",
    )
    expert = config.expert_config()
    assert expert.student == "convnext_tiny"
    assert expert.student_weights == "imagenet"
    assert config.student_weights is None
    baseline = dataclasses.replace(config, method="baseline")
    assert "expert_weights" not in baseline.identity()


@pytest.mark.slow
def test_demo_can_be_called_again(short_runs, tmp_path, capsys):
    # Trained as the baseline is, the expert is that very run.
    config = small(
        "demo",
        workdir=str(tmp_path),
        data_options={"scenes": 8},
        expert_learning_rate=None,
    )
    first = compare(config)
    assert set(first) == {"baseline", "collaborative"}
    assert "Exporting" in capsys.readouterr().out
    assert compare(config) == first
    assert "Exporting" not in capsys.readouterr().out
    with pytest.raises(ValueError, match="method='baseline'"):
        compare(dataclasses.replace(config, method="baseline"))


def test_interrupted_run_asks_for_resume(images, tmp_path):
    config = small("folder", data_dir=str(images), workdir=str(tmp_path))
    config.run_dir.mkdir(parents=True)
    (config.run_dir / "checkpoint.npz").write_bytes(b"")
    with pytest.raises(ValueError, match="interrupted.*--resume"):
        run(config)


def test_one_configuration_is_one_folder():
    config = small("folder", data_dir="x")
    changed = dataclasses.replace(config, resume=True, workdir="y")
    assert changed.run_dir.name == config.run_dir.name
    for field, value in (
        ("seed", 1),
        ("epochs", 2),
        ("data_dir", "z"),
        ("options", {"alpha": 1.0}),
        ("expert", "e.keras"),
        ("head", "pool"),
        ("initial", "wrn_16_1"),
    ):
        other = dataclasses.replace(config, **{field: value})
        assert other.run_dir.name != config.run_dir.name, field
    # What a baseline does not read does not make another run of it.
    baseline = dataclasses.replace(config, method="baseline")
    for field, value in (
        ("initial", "wrn_16_1"),
        ("expert_network", "wrn_16_1"),
        ("expert_epochs", 3),
        ("expert_learning_rate", 0.1),
        ("expert", "e.keras"),
        ("correlation", "pearson"),
    ):
        other = dataclasses.replace(baseline, **{field: value})
        assert other.run_dir == baseline.run_dir, field


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "karate"}, "baseline, kd.*karate"),
        ({"options": {"gamma": 1}}, "temperature, alpha.*gamma"),
        ({"epochs": 0}, "epochs=0"),
        ({"image_size": 0}, "image_size=0"),
        ({"options": {"alpha": "abc"}}, "'alpha' must be a number.*'abc'"),
        ({"options": {"l2_teacher": 1}}, "'l2_teacher' must be a name"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0"),
        ({"student": "wrn_16"}, "`student` must be one of .*wrn_16_1"),
        ({"expert_network": "big"}, "`expert_network` must be"),
        ({"correlation": "cosin"}, "`correlation` must be one of cosine"),
        ({"drops": (0.6, 0.3)}, "must rise.*0.6"),
    ],
)
def test_bad_settings(changes, message):
    with pytest.raises(ValueError, match=message):
        small("folder", **changes)


@pytest.mark.slow
def test_command_line_errors_are_one_line(tmp_path):
    missing = subprocess.run(
        [sys.executable, "-m", "recipes.folder"]
        + ["--data-dir", str(tmp_path / "nowhere")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert missing.returncode == 2
    assert "nowhere" in missing.stderr.splitlines()[-1]
    assert "Traceback" not in missing.stderr


def call(monkeypatch, recipe, *arguments):
    """A recipe as a command, in this process; returns its exit status."""
    monkeypatch.setattr(sys, "argv", [recipe, *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / f"recipes/{recipe}.py"), run_name="__main__")
    return ended.value.code


def test_command_line_flags(monkeypatch, capsys):
    assert call(monkeypatch, "folder", "--epoch", "3") == 2
    assert "--epochs" in capsys.readouterr().err
    assert call(monkeypatch, "pandora", "--help") == 0
    described = capsys.readouterr().out
    for flag in (
        "data-dir method epochs batch-size image-size limit seed workdir "
        "expert resume ablation group"
    ).split():
        assert f"--{flag}" in described


def test_missing_expert_file(images, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        sys,
        "argv",
        ["folder", "--data-dir", str(images), "--method", "kd"]
        + ["--expert", "nobody.keras", "--workdir", str(tmp_path)],
    )
    assert main(small("folder"), "doc") == 2
    assert "nobody.keras" in capsys.readouterr().err
