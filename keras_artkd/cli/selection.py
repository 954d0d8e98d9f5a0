"""The choice of a recipe, on which the defaults of all other flags depend."""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated

import tyro

from keras_artkd.runs.commands import SOURCES, recipe_of
from keras_artkd.runs.config import Config
from keras_artkd.runs.presets import recipe_names, recipe_presets


@dataclasses.dataclass(frozen=True)
class Selection:
    """Where the settings come from."""

    recipe: Annotated[
        str,
        tyro.conf.arg(
            help="What gives the data set and all defaults: "
            f"{', '.join(recipe_names())}."
        ),
    ] = "folder"
    preset: Annotated[str, tyro.conf.arg(aliases=["--recipe-style"])] = ""
    """Which of the recipe's defaults, where it has several; of folder:
    pretrained, or thesis, which begins with random weights."""


def source_settings(
    arguments: Sequence[str],
) -> tuple[dict[str, str], list[str]]:
    """Settings that the first word gives, where it is a source of images.

    Such a word is a folder, an .npz file, or `tfds:` and the name of a data
    set.

    Args:
        arguments: list of str.

    Returns:
        Recipe and setting, empty without such a word; the other arguments.
    """
    words = list(arguments)
    if not words or words[0].startswith("-"):
        return {}, words
    source = words.pop(0)
    recipe = recipe_of(source)
    return {"recipe": recipe, SOURCES[recipe]: source}, words


def select(
    arguments: Sequence[str],
) -> tuple[Selection, Config, list[str]]:
    """Reads what decides the defaults, before the flags are read.

    Args:
        arguments: list of str.

    Returns:
        The selection, its configuration, and the arguments without the
        source.

    Raises:
        ValueError: for an unknown recipe or preset; it lists the known ones.
    """
    source, words = source_settings(arguments)
    parser = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, exit_on_error=False
    )
    recipe = source.pop("recipe", "folder")
    parser.add_argument("--recipe", nargs="?", default=recipe)
    parser.add_argument("--preset", "--recipe-style", nargs="?")
    known, _ = parser.parse_known_args(words)
    presets = recipe_presets(known.recipe or "")
    preset = next(iter(presets)) if known.preset is None else known.preset
    if preset not in presets:
        raise ValueError(
            f"`preset` must be one of {', '.join(presets) or '(none)'} in the "
            f"recipe {known.recipe}. Received: preset={preset!r}."
        )
    _check_source(source, recipe, known.recipe)
    config = presets[preset].replace(**source)
    return Selection(known.recipe, preset), config, words


def _check_source(source: Mapping[str, str], recipe: str, chosen: str) -> None:
    """Rejects a name of TFDS with another recipe, and that recipe without."""
    if "tfds" in (recipe, chosen) and not (source and recipe == chosen):
        raise ValueError(
            "A data set of TensorFlow Datasets is named by the first word. "
            f"Received: {' '.join(source.values()) or 'none'}, recipe="
            f"{chosen}. Fix: artkd train tfds:NAME, without --recipe."
        )
