"""The settings of a search, in addition to those of its runs."""

import dataclasses
import hashlib
import json
import pathlib
from typing import Literal

from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.validation import check_one_split
from keras_artkd.search.space import search_space


@dataclasses.dataclass(frozen=True)
class Settings:
    """The search: how much, and how."""

    trials: int | None = None
    """Trials in all; by default 30, for Hyperband one whole round. More of them
    continue the same search."""
    tuner: Literal["bayesian", "hyperband", "random"] = "bayesian"
    """How the next trial's settings are chosen."""
    workers: int = 1
    """Processes of this machine that train at the same time."""


def check_searchable(settings: Settings, plan: Plan) -> None:
    """Rejects settings that no search can have.

    Raises:
        ValueError: for fewer than one trial or worker, and for labels only.
    """
    for field in ("trials", "workers"):
        value = getattr(settings, field)
        if value is not None and value < 1:
            raise ValueError(
                f"`{field}` must be at least 1. Received: {field}={value}."
            )
    if settings.tuner == "hyperband" and plan.method.staged:
        raise ValueError(
            "Hyperband compares short trainings with long ones, which phases "
            f"of their own forbid. Received: method={plan.method.name!r}, "
            "--tuner hyperband. Fix: --tuner bayesian."
        )
    check_one_split(plan, "A search")
    if plan.config.data.labels_only:
        raise ValueError(
            "A search trains students. Received: --labels-only. Fix: a run "
            "of the recipe with it, then the search with --pseudo-labels."
        )


def search_folder(settings: Settings, plan: Plan) -> RunFolder:
    """The folder of a search: one folder for what decides its outcome.

    Neither the number of trials nor that of workers does: a search can be
    made longer.

    Returns:
        `RunFolder` below the runs' folder.
    """
    identity = {
        "config": plan.identity,
        "tuner": settings.tuner,
        "space": {
            name: [type(values).__name__, dataclasses.asdict(values)]
            for name, values in search_space(plan).items()
        },
    }
    digest = hashlib.sha256(
        json.dumps(identity, sort_keys=True).encode()
    ).hexdigest()[:6]
    config = plan.config
    name = (
        f"search-{plan.method.name}-{plan.student_name}"
        f"-{settings.tuner}-seed{config.schedule.seed}-{digest}"
    )
    return RunFolder(pathlib.Path(config.output.workdir) / config.recipe / name)
