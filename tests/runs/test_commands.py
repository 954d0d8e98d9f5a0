"""The command of a run: typed again, it gives the run again."""

import pathlib
import shlex

import pytest

from keras_artkd.cli.train import parse_plan
from keras_artkd.runs.commands import command, with_labels
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.presets import recipe_presets
from tests.runs.settings import preset


def parsed(plan):
    """The words of a plan's command, and the plan that they give."""
    words = shlex.split(command(plan))
    assert words[:2] == ["artkd", "train"]
    return words[2:], parse_plan(words[2:])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"data_dir": "a folder/with 'quotes'", "limit": 5, "method": "kd"},
        {"data_dir": "d", "options": {"temperature": 2.5}, "method": "kd"},
        {"data_options": {"exclude": "x.txt"}, "expert": "e.keras"},
        {
            "method": "kd",
            "expert": ("a.keras", "b c.keras"),
            "expert_shares": (2.0, 1.0),
        },
        {"drops": (0.5,), "augment": ("sla", "cutout"), "cutout_side": 5},
        {"method": "ms_mgans", "adversarial": False, "mutual": "head"},
        {
            "precision": "mixed_bfloat16",
            "licence": "CC BY 4.0",
            "seed": 7,
            "workdir": "w",
            "exports": False,
        },
    ],
)
def test_the_command_gives_the_run_again(changes):
    plan = resolve(preset("folder", **changes))
    words, again = parsed(plan)
    assert again.identity == plan.identity
    for name in ("workdir", "licence", "exports"):
        assert getattr(again.config.output, name) == getattr(
            plan.config.output, name
        )
    if "data_dir" in changes:
        # From any folder.
        assert words[0] == again.config.data.data_dir
        assert pathlib.Path(words[0]).is_absolute()
    else:
        assert words[:2] == ["--recipe", "folder"]


@pytest.mark.parametrize(
    ("name", "file"),
    [("inherit", "w.pth"), ("expert_weights", "w.h5"), ("student", "n.keras")],
)
def test_files_are_named_from_any_folder(name, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path(file).write_bytes(b"")
    words, again = parsed(
        resolve(preset("folder", method="kd", **{name: file}))
    )
    flag = f"--{name.replace('_', '-')}"
    assert words[words.index(flag) + 1] == str(tmp_path / file)
    assert getattr(again.config.networks, name) == str(tmp_path / file)


def test_flags_are_spelled_as_a_user_would():
    plan = resolve(
        preset(
            "npz",
            data_dir="/c.npz",
            method="ms_mgans",
            adversarial=False,
            options={"temperature": 2.0},
            drops=(0.2, 0.5),
        )
    )
    assert command(plan) == (
        "artkd train /c.npz --method ms_mgans --options temperature 2.0 "
        "--no-adversarial --drops 0.2 0.5"
    )
    tfds = resolve(preset("tfds", dataset="tfds:beans"))
    assert command(tfds) == "artkd train tfds:beans"


def test_a_preset_is_written_out():
    config = recipe_presets("cifar100")["paper"].replace(
        method="kd+dkd", options={"kd.alpha": 1.0}, resume=True
    )
    words, again = parsed(resolve(config))
    assert words[:2] == ["--recipe", "cifar100"]
    assert words[2:4] == ["--preset", "paper"] and "--resume" not in words
    assert again.identity == resolve(config).identity


def test_options_that_the_recipe_has():
    plan = resolve(preset("demo", data_options={"scenes": 8}, epochs=1))
    words, again = parsed(plan)
    given = words.index("--data-options")
    assert words[given : given + 3] == ["--data-options", "scenes", "8"]
    assert again.identity == plan.identity


def test_pseudo_labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("x")
    plan = resolve(
        preset(
            "npz",
            data_dir="c.npz",
            method="pseudo_soft",
            unlabelled=0.8,
            unlabelled_dir="others",
            pseudo_labels="p.csv",
            labels_only=True,
            stem="imagenet",
            crop_and_mirror=False,
            options={"threshold": 0.5},
        )
    )
    words, again = parsed(plan)
    assert words[words.index("--pseudo-labels") + 1] == str(tmp_path / "p.csv")
    assert again.identity == plan.identity
    assert again.config.data.labels_only
    assert again.config.data.unlabelled == 0.8


@pytest.mark.parametrize(
    ("recipe", "path", "style"),
    [
        ("npz", "/arrays", []),
        ("folder", "/pictures.npz", ["--preset", "thesis"]),
    ],
)
def test_a_path_that_looks_like_another_recipe(recipe, path, style):
    plan = resolve(preset(recipe, data_dir=path))
    words, again = parsed(plan)
    assert words == ["--recipe", recipe, *style, "--data-dir", path]
    assert again.identity == plan.identity


def test_training_again_with_a_persons_labels(tmp_path):
    table = tmp_path / "a table.csv"
    table.write_text("x")
    config = preset(
        "npz",
        data_dir=str(tmp_path / "c.npz"),
        method="pseudo_soft",
        unlabelled=0.8,
        epochs=3,
    )
    first = resolve(config.replace(labels_only=True))
    again = parse_plan(shlex.split(with_labels(command(first), table))[2:])
    assert again.config == config.replace(
        pseudo_labels=str(table), workdir=again.config.output.workdir
    )
    # Another table takes the place of the first.
    other = tmp_path / "other.csv"
    other.write_text("y")
    twice = parse_plan(shlex.split(with_labels(command(again), other))[2:])
    assert twice.config == again.config.replace(pseudo_labels=str(other))
    folds = command(resolve(config.replace(folds=5)))
    words = shlex.split(with_labels(folds, other))
    assert sorted(words) == sorted(shlex.split(command(twice)))
