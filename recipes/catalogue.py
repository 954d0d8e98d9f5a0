"""The recipes by name."""

import importlib
import pkgutil

import recipes


def recipe_presets(name):
    """Returns dict of preset -> `Config` of a recipe, the default one first.

    A recipe without presets has one, named "".

    Raises:
        ValueError: for a name that is no recipe's; it lists the recipes.
    """
    known = [module.name for module in pkgutil.iter_modules(recipes.__path__)]
    if name in known:
        module = importlib.import_module(f"recipes.{name}")
        if hasattr(module, "CONFIG"):
            return getattr(module, "PRESETS", {"": module.CONFIG})
    modules = [importlib.import_module(f"recipes.{name}") for name in known]
    names = [
        module.__name__.removeprefix("recipes.")
        for module in modules
        if hasattr(module, "CONFIG")
    ]
    raise ValueError(
        f"`recipe` must be one of {', '.join(names)}. Received: {name!r}."
    )
