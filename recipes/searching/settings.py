"""What a search is: a recipe's `Config`, and a few settings of its own."""

import dataclasses
import hashlib
import json
import pathlib
from typing import Literal

from keras_artkd.distillers.registry import get_method
from recipes.searching.space import search_space


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to search."""

    recipe: str = "folder"
    """The recipe whose settings are searched."""
    trials: int | None = None
    """Trials in all; 30 if not given, for Hyperband one whole round. More of
    them go on with the same search."""
    tuner: Literal["bayesian", "hyperband", "random"] = "bayesian"
    """How the next trial's settings are chosen."""
    workers: int = 1
    """Processes of this machine that train at the same time."""


def check_searchable(settings, config):
    """Refuses settings that no search can have.

    Raises:
        ValueError: for fewer than one trial or worker, the ablation, or
            labels only.
    """
    for field in ("trials", "workers"):
        value = getattr(settings, field)
        if value is not None and value < 1:
            raise ValueError(
                f"`{field}` must be at least 1. Received: {field}={value}."
            )
    if config.ablation:
        raise ValueError(
            "A search has one method. Received: --ablation. Fix: search "
            "first, then run best.py with --ablation."
        )
    if settings.tuner == "hyperband" and get_method(config.method).staged:
        raise ValueError(
            "Hyperband compares short trainings with long ones, which phases "
            f"of their own forbid. Received: method={config.method!r}, "
            "--tuner hyperband. Fix: --tuner bayesian."
        )
    if config.labels_only:
        raise ValueError(
            "A search trains students. Received: --labels-only. Fix: a run "
            "of the recipe with it, then the search with --pseudo-labels."
        )


def search_folder(settings, config):
    """Where a search lives: one folder for what decides its outcome.

    Neither the number of trials nor that of workers does: a search can be
    made longer.

    Returns:
        Path below `config.workdir`.
    """
    identity = {
        "config": config.identity(),
        "tuner": settings.tuner,
        "space": {
            name: [type(values).__name__, dataclasses.asdict(values)]
            for name, values in search_space(config).items()
        },
    }
    digest = hashlib.sha256(
        json.dumps(identity, sort_keys=True).encode()
    ).hexdigest()[:6]
    name = (
        f"search-{config.method}-{config.student}-{settings.tuner}"
        f"-seed{config.seed}-{digest}"
    )
    return pathlib.Path(config.workdir) / config.recipe / name
