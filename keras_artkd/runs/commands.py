"""The command line of a configuration."""

import pathlib
import shlex
from typing import Any

from keras_artkd.catalogue.networks import absolute
from keras_artkd.runs.config import Config
from keras_artkd.runs.identity import NETWORKS, NO_FILE
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.presets import recipe_presets
from keras_artkd.types import Path

# Flags of a run that belong to one call of the command.
_OF_A_CALL = ("recipe", "resume")
# Settings that may name a file, beside those of the data.
_FILES = ("inherit", "initial_weights", "expert_weights", "expert")
# Recipe -> the setting that is the first word after `artkd train`.
SOURCES = {"folder": "data_dir", "npz": "data_dir", "tfds": "dataset"}


def recipe_of(source: str) -> str:
    """The recipe that the first word after `artkd train` means.

    Args:
        source: str: a folder, an .npz file, or `tfds:` and a name.
    """
    if source.startswith("tfds:"):
        return "tfds"
    return "npz" if pathlib.Path(source).suffix == ".npz" else "folder"


def command(plan: Plan) -> str:
    """The command that repeats this run, from any folder."""
    config = plan.config
    words, (preset, given) = ["artkd", "train"], _changed(plan)
    source = SOURCES.get(config.recipe)
    # A folder may be called like a file of arrays, and the reverse.
    if source in given and recipe_of(given[source]) == config.recipe:
        words.append(given.pop(source))
    else:
        words += ["--recipe", config.recipe]
    if preset:
        words += ["--preset", preset]
    for name, value in given.items():
        words += _as_flag(f"--{name.replace('_', '-')}", value)
    return shlex.join(words)


def with_labels(command: str, table: Path) -> str:
    """The command of a run, to train again with a person's labels.

    Args:
        command: str, what `command` gave of the run.
        table: the corrected table of pseudo-labels.
    """
    words = shlex.split(command)
    if "--labels-only" in words:
        words.remove("--labels-only")
    # Labels are of one split.
    for flag in ("--pseudo-labels", "--folds", "--fold"):
        if flag in words:
            place = words.index(flag)
            del words[place : place + 2]
    path = str(pathlib.Path(table).resolve())
    return shlex.join([*words, "--pseudo-labels", path])


def _changed(plan: Plan) -> tuple[str, dict[str, Any]]:
    """The recipe's nearest preset, and the settings that differ from it.

    Returns:
        Its name, empty where the recipe's first is meant; and dict of setting
        -> value, with absolute paths.
    """
    first, *others = recipe_presets(plan.config.recipe)
    changes = {
        name: _differences(plan, recipe_presets(plan.config.recipe)[name])
        for name in (first, *others)
    }
    nearest = min(changes, key=lambda name: len(changes[name]))
    return "" if nearest == first else nearest, changes[nearest]


def _differences(plan: Plan, preset: Config) -> dict[str, Any]:
    defaults, source = preset.flat(), plan.data_source
    data = plan.config.data
    if data.unlabelled or data.unlabelled_dir is not None:
        # The preset's own method is not the default there.
        del defaults["method"]
    return {
        name: source.get(name, absolute_if_file(name, value))
        for name, value in plan.config.flat().items()
        if name not in _OF_A_CALL
        and not (name in defaults and value == defaults[name])
    }


def absolute_if_file(name: str, value: Any) -> Any:
    """A value as it is, files by their absolute paths."""
    if name in _FILES and isinstance(value, tuple):
        return tuple(str(pathlib.Path(path).resolve()) for path in value)
    if name in _FILES and value not in NO_FILE:
        return str(pathlib.Path(value).resolve())
    return absolute(value) if name in NETWORKS else value


def _as_flag(flag: str, value: Any) -> list[str]:
    """A setting as the words of a command line."""
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, dict):
        return [flag, *(str(part) for item in value.items() for part in item)]
    if isinstance(value, tuple):
        return [flag, *map(str, value)]
    return [flag, str(value)]
