"""`artkd train`: from the command line to a finished run."""

import json
import math
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from keras_artkd.cli.main import main as artkd
from keras_artkd.cli.train import main, parse_plan, run_config, run_recipe
from keras_artkd.runs.commands import command
from keras_artkd.runs.config import Config
from keras_artkd.runs.presets import recipe_presets
from tests.runs.finished import paint
from tests.runs.settings import SMALL, small

ROOT = pathlib.Path(__file__).parents[2]
SMALLEST = [
    word
    for name, value in SMALL.items()
    for word in (f"--{name.replace('_', '-')}", str(value))
]


@pytest.fixture
def started(monkeypatch):
    """The plans of the runs that commands start; nothing is trained."""
    plans = []
    monkeypatch.setattr(
        "keras_artkd.runs.runner.run", lambda plan, *_: plans.append(plan)
    )
    return plans


@pytest.fixture
def images(tmp_path):
    """A folder of three classes, eight images each, and a broken one."""
    paint(tmp_path / "images", count=8)
    broken = tmp_path / "images" / "red" / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff broken")
    return tmp_path / "images"


def test_from_a_folder_to_a_finished_run(images, tmp_path, short_runs, capsys):
    words = [str(images), "--method", "kd", *SMALLEST]
    words += ["--workdir", str(tmp_path / "runs")]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "Left out or doubtful: 1\n    red/broken.jpg: " in printed
    assert "Expert: wrn_10_1" in printed
    folder = parse_plan(words).folder
    assert folder.path.parent == tmp_path / "runs" / "folder"
    assert f"all of it in {folder}" in printed
    assert folder.data["class_names"] == ["blue", "green", "red"]
    assert [s["key"] for s in folder.data["skipped"]] == ["red/broken.jpg"]
    assert folder.metrics["test"]["num_examples"] > 0
    assert parse_plan(shlex.split(folder.command)[2:]).folder == folder


def test_a_training_that_diverges(arrays, tmp_path, capsys):
    """At a learning rate of 1000 its loss explodes, and stays finite."""
    words = [str(arrays), *SMALLEST, "--method", "baseline"]
    words += ["--learning-rate", "1000", "--workdir", str(tmp_path / "runs")]
    assert artkd(["train", *words]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("error: The training must not diverge. Received: ")
    reason = re.search(r"Received: (?:supervised|loss) = (\S+), in", line)[1]
    assert math.isfinite(float(reason)) and float(reason) > 1e3
    assert "in epoch 1. Fix: a smaller learning rate" in line
    # Nothing is tested, exported or told of such a network.
    folder = parse_plan(words).folder
    assert not folder.is_finished
    assert not folder.report.exists() and not folder.student.exists()


def test_a_finished_run_typed_again(finished_run, started, capsys):
    folder = finished_run.plan.folder
    program, *words = shlex.split(folder.command)
    assert program == "artkd" and artkd(words) == 0
    printed = capsys.readouterr().out
    assert f"This run is finished: {folder}" in printed
    accuracy = folder.metrics["test"]["accuracy"]
    assert f"test accuracy {accuracy:.2%}" in printed
    assert not started


def test_where_images_are(arrays, started, tmp_path):
    archive = str(tmp_path)
    for words, recipe, dataset, data_dir in (
        ([str(arrays)], "npz", "npz", str(arrays)),
        (
            ["--data-dir", str(arrays), "--recipe", "npz"],
            *(2 * ("npz",)),
            str(arrays),
        ),
        (["tfds:beans"], "tfds", "tfds:beans", None),
        (["tfds:beans", "--data-dir", archive], "tfds", "tfds:beans", archive),
        (["--recipe", "atelier"], "atelier", "atelier", None),
        (["--recipe=demo"], "demo", "atelier", None),
    ):
        plan = parse_plan(words)
        data = plan.config.data
        assert plan.config.recipe == recipe
        assert (data.dataset, data.data_dir) == (dataset, data_dir), words
    assert main([str(arrays), "--method", "kd"]) == 0
    (plan,) = started
    assert (plan.config.recipe, plan.method.name) == ("npz", "kd")
    # Its own settings, not those of a folder.
    assert plan.config.data.image_size == 32 and plan.config.data.keep_size


def test_flags_go_over_a_preset():
    words = "--recipe cifar100 --preset paper --epochs 9 --method dkd+rkd"
    config = parse_plan(words.split()).config
    expected = recipe_presets("cifar100")["paper"]
    assert config == expected.replace(epochs=9, method="dkd+rkd")
    config = parse_plan(["--recipe", "cifar100"]).config
    assert config == recipe_presets("cifar100")["common"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{folder}/nowhere"], "{folder}/nowhere"),
        (["{folder}/nowhere.npz"], "{folder}/nowhere.npz"),
        (["{folder}"], "one folder per class"),
        ([], "needs `data_dir`"),
        (["--recipe", "pandra"], "`recipe` must be one of atelier, cifar10"),
        (["--recipe"], "`recipe` must be one of atelier, cifar10"),
        (
            ["--recipe", "cifar100", "--preset", "long"],
            "common, paper, paper_decay, self_distillation in the recipe",
        ),
        (["--recipe", "cifar100", "--preset"], "Missing value for"),
        (["--recipe", "atelier", "--preset", "x"], "must be one of (none)"),
        (["{folder}", "--method", "karate"], "`method` must be one of"),
        (["{folder}", "--student", "big"], "`student` must be one of"),
        (["{folder}", "--epoch", "3"], "Perhaps you meant --epochs"),
        (
            ["--recipe", "atelier", "--expert", "nobody.keras"],
            "nobody.keras, which is not there",
        ),
        (["--recipe", "atelier", "--data-options", "x", "1"], "Received: x"),
        (["tfds:"], "tfds:NAME"),
        (["--optimizer", "adamw", "--momentum", "0.5"], "belongs to sgd"),
        (
            ["--recipe", "demo", "--sizes", "tiny", "small", "--labels-only"],
            "Received: --sizes and --labels-only",
        ),
    ],
)
def test_mistakes(words, message, tmp_path, started, capsys):
    words = [word.format(folder=tmp_path) for word in words]
    assert main([*words, "--workdir", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert message.format(folder=tmp_path) in error
    assert not started and not (tmp_path / "runs").exists()


WITHOUT_KERAS = """
import json, sys
from keras_artkd.cli.main import main
statuses = []
for words in json.loads(sys.argv[1]):
    try:
        statuses.append(main(["train", *words]))
    except SystemExit as stop:
        statuses.append(stop.code)
heavy = [name for name in ("keras", "tensorflow") if name in sys.modules]
print(json.dumps([statuses, heavy]))
"""


def test_answers_before_keras_is_imported(finished_run, tmp_path):
    """Help, mistakes and what a finished run reached take no framework."""
    finished = shlex.split(finished_run.plan.folder.command)[2:]
    lines = {
        ("--help",): 0,
        ("--recipe", "cifar100", "--help"): 0,
        tuple(finished): 0,
        (str(tmp_path / "nowhere"),): 2,
        (str(tmp_path), "--epoch", "3"): 2,
        (str(finished_run.images), "--expert", "nobody.keras"): 2,
        ("--recipe", "pandora"): 2,
        ("tfds:",): 2,
    }
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_KERAS, json.dumps([*lines])],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    statuses, heavy = json.loads(result.stdout.splitlines()[-1])
    assert statuses == [*lines.values()]
    assert not heavy
    assert result.stderr.count("error: ") == 5


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "artkd train FILE.npz"),
        (["--recipe", "pandora"], "18,038 paintings"),
        (["--recipe", "cifar100", "--preset", "paper"], "paper_decay"),
    ],
)
def test_help(words, expected, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith("usage: artkd train") and expected in printed
    for flag in (
        "recipe preset data-dir method epochs batch-size image-size limit "
        "seed workdir expert resume group"
    ).split():
        assert f"--{flag} " in printed or f"--{flag}," in printed, flag


def test_a_recipe_as_a_program(started, capsys):
    with pytest.raises(SystemExit):
        run_recipe("pandora", ["--help"])
    assert capsys.readouterr().out.startswith(
        "usage: python -m recipes.pandora"
    )
    assert run_recipe("atelier", ["--method", "kd"]) == 0
    assert started[0].config.recipe == "atelier"
    assert run_recipe("pandora", ["--epoch", "3"]) == 2
    assert "--epochs" in capsys.readouterr().err


def test_a_configuration_as_a_program(started, monkeypatch, capsys):
    """As a search's best.py does."""
    monkeypatch.setattr(sys, "argv", ["/somewhere/best.py", "--seed", "3"])
    config = small("atelier", method="kd")
    assert run_config(config, "The best.") == 0
    assert started[0].config == config.replace(seed=3)
    with pytest.raises(SystemExit):
        run_config(config, "The best.", ["--help"])
    printed = capsys.readouterr().out
    assert printed.startswith("usage: best.py") and "The best." in printed


def test_an_interruption_says_how_to_resume(monkeypatch, capsys):
    def run(plan, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_artkd.runs.runner.run", run)
    assert main(["--recipe", "atelier", "--workdir", "my models"]) == 130
    assert (
        "To go on: artkd train --recipe atelier --workdir 'my models' --resume"
        in capsys.readouterr().err
    )
    assert run_recipe("atelier", ["--resume"]) == 130
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith("python -m recipes.atelier --resume")
    )


def test_a_bug_is_no_bad_input(monkeypatch):
    def run(plan, *_):
        raise RuntimeError("a bug")

    monkeypatch.setattr("keras_artkd.runs.runner.run", run)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["--recipe", "atelier"])


def test_every_setting_has_a_flag(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    # These are decided by the recipe.
    fixed = {"recipe", "dataset", "keep_size", "published_options"}
    fixed |= {"published_rates"}
    for name in {*Config.of("folder", "folder").flat()} - fixed:
        flag = name.replace("_", "-")
        assert f"--{flag}" in printed or f"--no-{flag}" in printed, flag


def method_and_views(words):
    config = parse_plan(words).config
    return config.teaching.method, config.networks.expert_views


def test_images_without_labels_choose_the_method(images, tmp_path):
    """Unless one is named; and the command that is kept says which it was."""
    folder, others = str(images), str(tmp_path / "others")
    paint(tmp_path / "others", count=2)
    given, taught = ["--unlabelled-dir", others], ("unlabelled", 8)
    for words, expected in (
        ([folder], ("baseline", None)),
        ([folder, *given], taught),
        (["--data-dir", folder, f"--unlabelled-dir={others}"], taught),
        ([folder, "--unlabelled", "0.8"], taught),
        ([folder, "--unlabelled", "0.0"], ("baseline", None)),
        ([folder, *given, "--method", "kd"], ("kd", None)),
        ([folder, *given, "--method", "unlabelled"], ("unlabelled", None)),
        ([folder, *given, "--expert-views", "3"], ("unlabelled", 3)),
        # Images that change in every step have no answers that are kept.
        ([folder, *given, "--augment", "mixup"], ("unlabelled", None)),
        ([folder, *given, "--recipe-style", "thesis"], ("collaborative", None)),
        (["--recipe", "demo", "--unlabelled", "0.5"], taught),
    ):
        assert method_and_views(words) == expected, words
        plan = parse_plan(words)
        again = parse_plan(shlex.split(command(plan))[2:])
        assert again.folder == plan.folder, words
    plan = parse_plan([folder, *given, "--method", "baseline"])
    again = parse_plan(shlex.split(command(plan))[2:])
    assert again.config.teaching.method == "baseline"
    assert again.folder == plan.folder


def test_a_folder_of_images_without_labels_beside_the_classes(images):
    words = [str(images)]
    paint(images / "unlabelled", count=2)
    assert method_and_views(words) == ("unlabelled", 8)
    plan = parse_plan(words)
    assert plan.config.data.unlabelled_dir == str(images / "unlabelled")
    again = parse_plan(shlex.split(command(plan))[2:])
    assert again.folder == plan.folder
    # A method of labels alone leaves them where they are.
    alone = parse_plan([*words, "--method", "baseline"])
    assert "unlabelled_dir" not in alone.load_arguments
