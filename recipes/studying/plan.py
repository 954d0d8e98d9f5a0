"""What a study's flags mean: which cells, which runs, and in which folder."""

import fnmatch
import hashlib
import pathlib

from recipes.studying.rates import best_rate, shares, trials, with_rate


def choose_cells(study, patterns):
    """Names of the cells to run: those that match, and what they are from.

    With these the baselines that were added to match them.
    """
    if not patterns:
        return {cell.name for cell in study.cells}
    names = [cell.name for cell in study.cells]
    chosen = set()
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
    against = {
        study.against(cell) for cell in study.cells if cell.name in chosen
    }
    against |= {
        baseline for method, baseline in study.matched if method in chosen
    }
    return chosen | (against - {None})


def study_folder(study, base, settings):
    """Where a study lies: one folder for one study with the same flags.

    More seeds, other cells and matched baselines are shown in the same one:
    it is a view of the runs, which stay where they are.
    """
    runs = [
        study.config(cell, base, 0, settings.method_options).run_dir.name
        for cell in study.cells
    ]
    runs += map(str, settings.rates)
    digest = hashlib.sha256("\n".join(runs).encode()).hexdigest()[:6]
    name = study.key.replace("/", "-").replace(":", "-")
    return (
        pathlib.Path(base.workdir)
        / base.recipe
        / f"study-{name}-{settings.budget}-{digest}"
    )


def plan_runs(study, base, settings):
    """What is to be trained, as far as that is known.

    Returns:
        list of `(cell, dict of seed -> Config, dict of rate -> Config)`: the
        runs of each cell, none while its rate is not known, and those that
        try its rates, none where there is one.
    """
    result = []
    for cell in study.cells:
        by_seed = {
            seed: study.config(cell, base, seed, settings.method_options)
            for seed in range(base.seed, base.seed + settings.seeds)
        }
        tried = trials(by_seed[base.seed], settings.rates)
        if tried:
            rate = best_rate(shares(tried))
            by_seed = {
                seed: with_rate(config, rate)
                for seed, config in by_seed.items()
                if rate is not None
            }
        result.append((cell, by_seed, tried))
    return result
