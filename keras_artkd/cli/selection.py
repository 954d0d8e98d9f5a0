"""The choice of a recipe, on which the defaults of all other flags depend."""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated

import tyro

from keras_artkd.datasets.files import unlabelled_folder
from keras_artkd.runs.commands import SOURCES, recipe_of
from keras_artkd.runs.config import Config
from keras_artkd.runs.presets import (
    recipe_names,
    recipe_presets,
    unlabelled_settings,
)

# Flags that say whether some images have no labels, and what becomes of them.
_ABOUT_UNLABELLED = (
    "--method",
    "--data-dir",
    "--unlabelled",
    "--unlabelled-dir",
    "--augment",
)


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
    if not source:
        raise ValueError(
            "The folder of images must have a name. Received: an empty one, as "
            "of a shell's variable that is not set. Fix: check it."
        )
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
    for flag in _ABOUT_UNLABELLED:
        parser.add_argument(flag, flag[:2] + flag[2:].replace("-", "_"))
    known, _ = parser.parse_known_args(words)
    presets = recipe_presets(known.recipe or "")
    preset = next(iter(presets)) if known.preset is None else known.preset
    if preset not in presets:
        raise ValueError(
            f"`preset` must be one of {', '.join(presets) or '(none)'} in the "
            f"recipe {known.recipe}. Received: preset={preset!r}."
        )
    _check_source(source, recipe, known.recipe)
    selection = Selection(known.recipe, preset)
    config = presets[preset].replace(**source)
    return selection, _with_unlabelled(selection, config, known), words


def _with_unlabelled(
    selection: Selection, config: Config, known: argparse.Namespace
) -> Config:
    """The defaults where some images have no labels, and no method is named."""
    folder = known.unlabelled_dir
    if folder is None and config.data.dataset == "folder":
        inner = unlabelled_folder(known.data_dir or config.data.data_dir or "")
        if inner is not None:
            folder = str(inner)
            config = config.replace(unlabelled_dir=folder)
    # Any share but none.
    hidden = known.unlabelled is not None and known.unlabelled.strip("0.")
    if known.method is not None or not (folder or hidden):
        return config
    settings = unlabelled_settings(selection.recipe, selection.preset)
    if known.augment is not None:
        # Answers are kept of images that do not change.
        settings.pop("expert_views", None)
    return config.replace(**settings)


def _check_source(source: Mapping[str, str], recipe: str, chosen: str) -> None:
    """Rejects a name of TFDS with another recipe, and that recipe without."""
    if "tfds" in (recipe, chosen) and not (source and recipe == chosen):
        raise ValueError(
            "A data set of TensorFlow Datasets is named by the first word. "
            f"Received: {' '.join(source.values()) or 'none'}, recipe="
            f"{chosen}. Fix: artkd train tfds:NAME, without --recipe."
        )
