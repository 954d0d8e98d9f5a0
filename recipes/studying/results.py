"""What a study's runs came to, read from their folders."""

import dataclasses
import statistics

import numpy as np

from keras_artkd.files import read_json
from recipes.common import is_finished
from recipes.studying.comparing import Difference, compare, judge_order
from recipes.studying.rates import shares
from recipes.studying.study import RECIPES


@dataclasses.dataclass(frozen=True)
class Result:
    """A cell as measured.

    Attributes:
        name: str, the cell's.
        published: float, percent, or None.
        runs: dict of seed -> `Config`, all that there should be; none while
            its rate is not known.
        metrics: dict of seed -> content of `metrics.json`, of those that
            ended.
        correct: dict of seed -> which test images are right, bool `(n,)`, or
            None where the run's predictions are gone.
        epochs: int, of its training.
        settings: dict, what makes it this cell.
        trials: dict of first learning rate -> `Config`, the runs that try
            it; empty where there is one rate.
        rates: dict of the same -> share of the validation images; None where
            the run has not ended.
    """

    name: str
    published: float | None
    runs: dict
    metrics: dict
    correct: dict
    epochs: int
    settings: dict
    trials: dict
    rates: dict

    @property
    def configs(self):
        """Every run that is known, by what it is: a seed or a trial."""
        runs = {f"seed {seed}": config for seed, config in self.runs.items()}
        known = {config.run_dir for config in runs.values()}
        return runs | {
            f"a trial of the rate {rate:g}": config
            for rate, config in self.trials.items()
            if config.run_dir not in known
        }

    @property
    def ended(self):
        """How many of its runs have ended, trials included."""
        rates = {config.first_rate for config in self.runs.values()}
        return len(self.metrics) + sum(
            share is not None
            for rate, share in self.rates.items()
            if rate not in rates
        )

    def values(self, split="test", metric="accuracy"):
        """Returns dict of seed -> a metric, a share."""
        return {s: m[split][metric] for s, m in self.metrics.items()}

    def summary(self, split="test", metric="accuracy"):
        """Returns mean and standard deviation over seeds; None where none."""
        values = [*self.values(split, metric).values()]
        if not values:
            return None, None
        spread = statistics.stdev(values) if len(values) > 1 else None
        return statistics.fmean(values), spread


@dataclasses.dataclass(frozen=True)
class Contrast:
    """What is compared.

    Attributes:
        name: str.
        best: `Difference` at the best epochs by validation.
        last: `Difference` at the last epochs, over seeds alone.
    """

    name: str
    best: Difference
    last: Difference


@dataclasses.dataclass(frozen=True)
class Results:
    """A study as measured so far.

    Attributes:
        study: `Study`.
        base: `Config`, what all runs have in common.
        settings: the flags, `recipes.study.Settings`.
        dataset: name of the paper's data set whose numbers stand beside.
        cells: list of `Result`.
        chosen: names of the cells that were asked for.
        differences: list of `Contrast`, of cells from what they are compared
            with.
        matched: list of `Contrast`, of methods from what else they have to
            beat.
        contrasts: list of `Contrast`, the study's.
        order: dict, of `judge_order`; None where nothing is claimed.
        experts: list of `(Config, accuracy)`, the runs that taught; None of
            those that have not ended.
        failed: dict of run folder -> why.
    """

    study: object
    base: object
    settings: object
    dataset: str
    cells: list[Result]
    chosen: set[str]
    differences: list[Contrast]
    matched: list[Contrast]
    contrasts: list[Contrast]
    order: dict | None
    experts: list
    failed: dict

    @property
    def seeds(self):
        """The seeds of every cell."""
        return range(self.base.seed, self.base.seed + self.settings.seeds)

    @property
    def runs_each(self):
        """How many runs a cell has, trials included."""
        # The trial of the rate that is chosen is the first seed's run.
        return len(self.seeds) + max(0, len(self.settings.rates) - 1)

    @property
    def done(self):
        """How many of the runs asked for have ended; experts are left out."""
        cells = [cell for cell in self.cells if cell.name in self.chosen]
        return sum(c.ended for c in cells), self.runs_each * len(cells)

    @property
    def comparable(self):
        """Whether the paper's numbers are of these data and this training."""
        recipe = RECIPES[self.dataset]
        paper = self.study.default(recipe, "paper")
        # Neither where the images are nor how fast it goes matters.
        free = ("data_dir", "seed", "workdir", "precision", "exports")
        same = {name: getattr(self.base, name) for name in free}
        return not (
            self.settings.rates or self.settings.method_options
        ) and self.base == dataclasses.replace(paper, **same)


def collect(study, base, settings, runs, chosen, failed):
    """Reads what there is.

    Args:
        study: `Study`.
        base: `Config`.
        settings: `recipes.study.Settings`.
        runs: list of `(cell, dict of seed -> Config, dict of rate -> Config)`;
            the last are trials of the rate, none where there is one.
        chosen: names of the cells that were asked for.
        failed: dict of run folder -> why.

    Returns:
        `Results`.
    """
    dataset = study.dataset_of(base.recipe)
    _check_same_images(runs)
    cells = [
        _read_cell(cell, cell.published.get(dataset), by_seed, tried, base)
        for cell, by_seed, tried in runs
    ]
    best, last = _by_seed(cells, "test"), _by_seed(cells, "test_last_epoch")
    against = {cell.name: study.against(cell) for cell in study.cells}
    compared = [(name, other) for name, other in against.items() if other]
    matched = [pair for pair in study.matched if pair not in compared]

    def contrasts(pairs_by_name):
        known = [
            _contrast(name, pairs, best, last)
            for name, pairs in pairs_by_name.items()
        ]
        return [contrast for contrast in known if contrast is not None]

    claimed = study.expected_order(dataset)
    experts = {
        (expert := config.expert_config()).run_dir: expert
        for cell in cells
        for config in cell.configs.values()
        if config.trains_expert
    }
    return Results(
        study=study,
        base=base,
        settings=settings,
        dataset=dataset,
        cells=cells,
        chosen=chosen,
        differences=contrasts(_named(compared, study)),
        matched=contrasts(_named(matched, study)),
        contrasts=contrasts(study.contrasts),
        order=judge_order(claimed, best) if claimed else None,
        experts=[(c, _accuracy(c)) for c in experts.values()],
        failed=failed,
    )


def _by_seed(cells, split):
    """Cells as `compare` takes them; of the last epoch without predictions."""
    return {
        cell.name: {
            seed: (share, cell.correct[seed] if split == "test" else None)
            for seed, share in cell.values(split).items()
        }
        for cell in cells
    }


def _named(pairs, study):
    """Pairs as `Study.contrasts` has them: the first less the other."""
    groups = {cell.name: cell.group for cell in study.cells}
    return {
        # Both are of a group, whose name stands in front already.
        f"{name} minus {other.removeprefix(f'{groups[name]}: ')}": (
            (other, name),
        )
        for name, other in pairs
    }


def _contrast(name, pairs, best, last):
    differences = [
        compare(*((known[a], known[b]) for a, b in pairs))
        for known in (best, last)
    ]
    return None if None in differences else Contrast(name, *differences)


def _check_same_images(runs):
    """Refuses to compare what was tested on other images."""
    first = None
    for _, by_seed, _ in runs:
        for config in by_seed.values():
            if not is_finished(config.run_dir):
                continue
            fingerprint = read_json(config.run_dir / "data.json")["fingerprint"]
            first = first or (config.run_dir, fingerprint)
            if fingerprint != first[1]:
                raise ValueError(
                    "The runs of a study must have the same images. Received: "
                    f"{first[0]} and {config.run_dir}, which have not. Fix: "
                    "restore the images and remove the folder of the run that "
                    "had others."
                )


def _read_cell(cell, published, by_seed, tried, base):
    metrics, correct = {}, {}
    for seed, config in by_seed.items():
        if is_finished(config.run_dir):
            metrics[seed] = read_json(config.run_dir / "metrics.json")
            correct[seed] = _read_correct(config.run_dir / "predictions.npz")
    return Result(
        name=cell.name,
        published=published,
        runs=by_seed,
        metrics=metrics,
        correct=correct,
        epochs=cell.changes.get("epochs", base.epochs),
        settings=cell.changes,
        trials=tried,
        rates=shares(tried),
    )


def _read_correct(path):
    if not path.exists():
        return None
    with np.load(path) as arrays:
        return arrays["student"].argmax(axis=1) == arrays["labels"]


def as_json(results, command):
    """The results file: everything that the tables show, and their runs."""
    return {
        "study": results.study.key,
        "caption": results.study.caption,
        "command": command,
        "budget": results.settings.budget,
        "method_options": results.settings.method_options,
        "recipe": results.base.recipe,
        "published_dataset": results.dataset,
        "seeds": list(results.seeds),
        "settings": results.base.settings(),
        "cells": [_cell_json(cell) for cell in results.cells],
        **{
            kind: [dataclasses.asdict(c) for c in getattr(results, kind)]
            for kind in ("differences", "matched", "contrasts")
        },
        "order": results.order,
        "experts": [
            {
                "run": config.run_dir.name,
                "command": config.command(),
                "accuracy": accuracy,
            }
            for config, accuracy in results.experts
        ],
        "failed": {path.name: why for path, why in results.failed.items()},
    }


def _accuracy(config):
    if not is_finished(config.run_dir):
        return None
    metrics = read_json(config.run_dir / "metrics.json")
    return metrics["test"]["accuracy"]


def _cell_json(cell):
    mean, spread = cell.summary()
    return {
        "name": cell.name,
        "settings": cell.settings,
        "published": cell.published,
        "epochs": cell.epochs,
        "mean": mean,
        "standard_deviation": spread,
        "macro_mean": cell.summary(metric="macro_accuracy")[0],
        "last_epoch_mean": cell.summary("test_last_epoch")[0],
        "runs": {
            str(seed): {
                "run": config.run_dir.name,
                "command": config.command(),
                "accuracy": cell.values().get(seed),
                "macro_accuracy": cell.values("test", "macro_accuracy").get(
                    seed
                ),
                "last_epoch": cell.values("test_last_epoch").get(seed),
            }
            for seed, config in cell.runs.items()
        },
        "trials": {
            f"{rate:g}": {
                "run": config.run_dir.name,
                "command": config.command(),
                "validation_accuracy": cell.rates[rate],
            }
            for rate, config in cell.trials.items()
        },
    }
