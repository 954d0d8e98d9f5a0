"""The results of a study as JSON."""

import dataclasses
from typing import Any

from keras_artkd.runs.commands import command
from keras_artkd.runs.plan import resolve
from keras_artkd.studies.results import Result, Results


def as_json(results: Results, command_of_study: str) -> dict[str, Any]:
    """The results file: everything that the tables show, and their runs.

    Args:
        results: `Results`.
        command_of_study: str, what to type to run the study again.
    """
    return {
        "study": results.study.key,
        "caption": results.study.caption,
        "command": command_of_study,
        "budget": results.settings.budget,
        "method_options": results.settings.method_options,
        "recipe": results.base.recipe,
        "published_dataset": results.dataset,
        "seeds": list(results.seeds),
        "settings": resolve(results.base).settings,
        "cells": [_cell_json(cell) for cell in results.cells],
        **{
            kind: [dataclasses.asdict(c) for c in getattr(results, kind)]
            for kind in ("differences", "matched", "contrasts")
        },
        "order": results.order,
        "experts": [
            {
                "run": plan.folder.name,
                "command": command(plan),
                "accuracy": accuracy,
            }
            for plan, accuracy in results.experts
        ],
        "failed": {run.name: why for run, why in results.failed.items()},
    }


def _cell_json(cell: Result) -> dict[str, Any]:
    mean, spread = cell.summary()
    return {
        "name": cell.name,
        "settings": cell.settings,
        "published": cell.published,
        "epochs": cell.epochs,
        "aggregated": cell.aggregated,
        "mean": mean,
        "standard_deviation": spread,
        "macro_mean": cell.summary(metric="macro_accuracy")[0],
        "last_epoch_mean": cell.summary("test_last_epoch")[0],
        "runs": {
            str(seed): {
                "run": plan.folder.name,
                "command": command(plan),
                "accuracy": cell.values().get(seed),
                "macro_accuracy": cell.values("test", "macro_accuracy").get(
                    seed
                ),
                "last_epoch": cell.values("test_last_epoch").get(seed),
                **_upright_json(cell, seed),
            }
            for seed, plan in cell.runs.items()
        },
        "trials": {
            f"{rate:g}": {
                "run": plan.folder.name,
                "command": command(plan),
                "validation_accuracy": cell.rates[rate],
            }
            for rate, plan in cell.trials.items()
        },
    }


def _upright_json(cell: Result, seed: int) -> dict[str, Any]:
    """Of a run that is measured over rotations, the same without them."""
    if not cell.aggregated:
        return {}
    kinds = {
        "accuracy": ("test", "accuracy"),
        "macro_accuracy": ("test", "macro_accuracy"),
        "last_epoch": ("test_last_epoch", "accuracy"),
    }
    return {
        "upright": {
            name: cell.values(*kind, upright=True).get(seed)
            for name, kind in kinds.items()
        }
    }
