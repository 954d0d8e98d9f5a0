"""The cells that a study's flags choose, their runs and their folder."""

import fnmatch
import hashlib
import pathlib
from collections.abc import Sequence

from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import Plan
from keras_artkd.studies.rates import best_rate, shares, trials, with_rate
from keras_artkd.studies.settings import Settings
from keras_artkd.studies.study import Cell, Study


def choose_cells(study: Study, patterns: Sequence[str]) -> set[str]:
    """Names of the cells to run: those that match, and their references.

    The baselines that were added to match them are among these.
    """
    if not patterns:
        return {cell.name for cell in study.cells}
    names = [cell.name for cell in study.cells]
    chosen: set[str] = set()
    for pattern in patterns:
        matching = {
            name
            for name in names
            if name == pattern or fnmatch.fnmatchcase(name, pattern)
        }
        if not matching:
            raise ValueError(
                f"`cells` must match cells of {study.key}: "
                f"{'; '.join(names)}. Received: {pattern!r}."
            )
        chosen |= matching
    against: set[str | None] = {
        study.against(cell) for cell in study.cells if cell.name in chosen
    }
    against |= {
        baseline for method, baseline in study.matched if method in chosen
    }
    return chosen | {name for name in against if name is not None}


def study_folder(study: Study, base: Config, settings: Settings) -> RunFolder:
    """The folder of a study: one folder for one study with the same flags.

    More seeds, other cells and matched baselines are shown in the same one:
    it is a view of the runs, which stay where they are.
    """
    runs = [
        study.plan(cell, base, 0, settings.method_options).folder.name
        for cell in study.cells
    ]
    runs += map(str, settings.rates)
    digest = hashlib.sha256("\n".join(runs).encode()).hexdigest()[:6]
    name = study.key.replace("/", "-").replace(":", "-")
    return RunFolder(
        pathlib.Path(base.output.workdir)
        / base.recipe
        / f"study-{name}-{settings.budget}-{digest}"
    )


def plan_runs(
    study: Study, base: Config, settings: Settings
) -> list[tuple[Cell, dict[int, Plan], dict[float, Plan]]]:
    """The runs to train, as far as they are known.

    Returns:
        list of `(cell, dict of seed -> Plan, dict of rate -> Plan)`: the
        runs of each cell, none while its rate is not known, and those that
        try its rates, none where there is one.
    """
    result = []
    for cell in study.cells:
        by_seed = {
            seed: study.plan(cell, base, seed, settings.method_options)
            for seed in settings.seeds_from(base)
        }
        tried = trials(by_seed[base.schedule.seed], settings.rates)
        if tried:
            rate = best_rate(shares(tried))
            by_seed = {
                seed: with_rate(plan, rate)
                for seed, plan in by_seed.items()
                if rate is not None
            }
        result.append((cell, by_seed, tried))
    return result
