"""`python -m recipes.NAME` starts the preset of that name, and no more."""

import pathlib
import runpy

import pytest

from keras_artkd.runs.presets import recipe_module, recipe_names

FOLDER = pathlib.Path(__file__).parents[2] / "recipes"
PROGRAMS = ("search", "study")


def started(name, monkeypatch, status=7):
    """What a program of the folder calls, with which arguments."""
    calls = []

    def call(*arguments):
        calls.append(arguments)
        return status

    for target in ("train.run_recipe", "search.main", "study.main"):
        monkeypatch.setattr(f"keras_artkd.cli.{target}", call)
    monkeypatch.setattr("sys.argv", [name, "--epochs", "3"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert stop.value.code == status
    return calls


RECIPES = sorted(
    {path.stem for path in FOLDER.glob("*.py")} - {"__init__", *PROGRAMS}
)


def test_programs_that_there_were_stay():
    """A recipe that came later may do with `artkd train --recipe`."""
    assert {*RECIPES} <= {*recipe_names()}
    assert {
        *("atelier", "cifar10", "cifar100", "cub200", "demo", "folder"),
        *("imagenet", "mit67", "npz", "painting100k", "pandora"),
        *("stanford40", "stanford_dogs", "tiny_imagenet", "tutorial"),
        "wikiart",
    } <= {*RECIPES}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_starts_its_preset(name, monkeypatch):
    assert started(name, monkeypatch) == [(name,)]
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    title = recipe_module(name).__doc__.splitlines()[0]
    assert text.startswith(f'"""{title}\n')
    assert len(text.splitlines()) <= 10


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_takes_the_command_line(name, monkeypatch):
    assert started(name, monkeypatch) == [(["--epochs", "3"],)]
