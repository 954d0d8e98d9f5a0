"""The recipes of `artkd train --recipe NAME`, a file each.

A file has a docstring, which `--help` shows, and a `CONFIG`, with which studies
begin. It may have `PRESETS`, several configurations by name, of which `artkd
train` takes the first by default; and `WITH_UNLABELLED`, by preset the settings
that change where some images have no labels and no method is named.
"""

import functools
import importlib
import pkgutil
from types import ModuleType
from typing import Any

from keras_artkd.runs.config import Config


@functools.cache
def recipe_names() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    )


def recipe_module(name: str) -> ModuleType:
    """The module of a recipe; its docstring is what `--help` says.

    Raises:
        ValueError: for an unknown name; it lists the recipes.
    """
    if name not in recipe_names():
        raise ValueError(
            f"`recipe` must be one of {', '.join(recipe_names())}. "
            f"Received: {name!r}."
        )
    return importlib.import_module(f"{__name__}.{name}")


def recipe_presets(name: str) -> dict[str, Config]:
    """Returns dict of preset -> `Config` of a recipe, the default one first.

    A recipe without presets has one, named "".

    Raises:
        ValueError: for an unknown name; it lists the recipes.
    """
    module = recipe_module(name)
    return getattr(module, "PRESETS", {"": module.CONFIG})


def unlabelled_settings(name: str, preset: str) -> dict[str, Any]:
    """Settings of a preset that change where some images have no labels."""
    settings = getattr(recipe_module(name), "WITH_UNLABELLED", {})
    return dict(settings.get(preset, {}))


def default_config(name: str) -> Config:
    """The configuration with which studies of a recipe begin."""
    config: Config = recipe_module(name).CONFIG
    return config
