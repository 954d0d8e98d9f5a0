"""What a study's runs came to, read from their folders."""

import dataclasses
import statistics

import numpy as np

from keras_artkd.files import read_json
from recipes.common import is_finished
from recipes.studying.comparing import Difference, compare, judge_order
from recipes.studying.study import RECIPES


@dataclasses.dataclass(frozen=True)
class Result:
    """A cell as measured.

    Attributes:
        name: str, the cell's.
        published: float, percent, or None.
        runs: dict of seed -> `Config`, all that there should be.
        metrics: dict of seed -> content of `metrics.json`, of those that
            ended.
        correct: dict of seed -> which test images are right, bool `(n,)`, or
            None where the run's predictions are gone.
        epochs: int, of its training.
        settings: dict, what makes it this cell.
        against: name of the cell that it is compared with, or None.
        difference: `Difference` from that cell, or None.
    """

    name: str
    published: float | None
    runs: dict
    metrics: dict
    correct: dict
    epochs: int
    settings: dict
    against: str | None = None
    difference: Difference | None = None

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
class Results:
    """A study as measured so far.

    Attributes:
        study: `Study`.
        base: `Config`, what all runs have in common.
        budget: str.
        dataset: name of the paper's data set whose numbers stand beside.
        seeds: tuple of int.
        cells: list of `Result`.
        contrasts: dict of name -> `Difference` or None, of the study's.
        order: dict, of `judge_order`; None where nothing is claimed.
        experts: list of `(Config, accuracy)`, the runs that taught; None of
            those that have not ended.
        failed: dict of run folder -> why.
    """

    study: object
    base: object
    budget: str
    dataset: str
    seeds: tuple[int, ...]
    cells: list[Result]
    contrasts: dict
    order: dict | None
    experts: list
    failed: dict

    @property
    def done(self):
        """How many runs of how many have ended, experts left out."""
        runs = sum(len(cell.runs) for cell in self.cells)
        return sum(len(cell.metrics) for cell in self.cells), runs

    @property
    def comparable(self):
        """Whether the paper's numbers are of these data and this budget."""
        return (
            RECIPES[self.dataset] == self.base.recipe
            and self.budget == "paper"
            and not (self.base.data_options or self.base.limit)
        )


def collect(study, base, budget, seeds, runs, failed=None):
    """Reads what there is.

    Args:
        study: `Study`.
        base: `Config`.
        budget: str.
        seeds: list of int.
        runs: list of `(cell, dict of seed -> Config)`.
        failed: dict of run folder -> why.

    Returns:
        `Results`.
    """
    dataset = study.dataset_of(base.recipe)
    _check_same_images(runs)
    results = [
        _read_cell(cell, cell.published.get(dataset), by_seed)
        for cell, by_seed in runs
    ]
    known = {
        r.name: {
            seed: (share, r.correct[seed]) for seed, share in r.values().items()
        }
        for r in results
    }
    compared = []
    for (cell, _), result in zip(runs, results, strict=True):
        against = study.against(cell)
        difference = None
        if against in known:
            difference = compare((known[against], known[result.name]))
        compared.append(
            dataclasses.replace(result, against=against, difference=difference)
        )
    claimed = study.expected_order(dataset)
    experts = {}
    for _, by_seed in runs:
        for config in by_seed.values():
            if config.trains_expert:
                expert = config.expert_config()
                experts[expert.run_dir] = expert
    return Results(
        study=study,
        base=base,
        budget=budget,
        dataset=dataset,
        seeds=tuple(seeds),
        cells=compared,
        contrasts={
            name: compare(*((known[a], known[b]) for a, b in pairs))
            for name, pairs in study.contrasts.items()
        },
        order=judge_order(claimed, known) if claimed else None,
        experts=[(c, _accuracy(c)) for c in experts.values()],
        failed=failed or {},
    )


def _check_same_images(runs):
    """Refuses to compare what was tested on other images."""
    first = None
    for _, by_seed in runs:
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


def _read_cell(cell, published, by_seed):
    metrics, correct = {}, {}
    for seed, config in by_seed.items():
        if is_finished(config.run_dir):
            metrics[seed] = read_json(config.run_dir / "metrics.json")
            correct[seed] = _read_correct(config.run_dir / "predictions.npz")
    epochs = next(iter(by_seed.values())).epochs
    return Result(
        cell.name, published, by_seed, metrics, correct, epochs, cell.changes
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
        "budget": results.budget,
        "recipe": results.base.recipe,
        "published_dataset": results.dataset,
        "seeds": list(results.seeds),
        "settings": results.base.settings(),
        "cells": [_cell_json(cell) for cell in results.cells],
        "contrasts": {
            name: contrast and dataclasses.asdict(contrast)
            for name, contrast in results.contrasts.items()
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
        "against": cell.against,
        "difference": cell.difference and dataclasses.asdict(cell.difference),
    }
