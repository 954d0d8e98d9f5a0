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


def test_there_is_a_program_for_every_recipe():
    names = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert names == {*recipe_names(), *PROGRAMS}


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_starts_its_preset(name, monkeypatch):
    assert started(name, monkeypatch) == [(name,)]
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    title = recipe_module(name).__doc__.splitlines()[0]
    assert text.startswith(f'"""{title}\n')
    assert len(text.splitlines()) <= 10


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_takes_the_command_line(name, monkeypatch):
    assert started(name, monkeypatch) == [(["--epochs", "3"],)]
