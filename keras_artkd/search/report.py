"""The results of a search: its trials as tables, the best as a script."""

import pathlib
from collections.abc import Sequence
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_artkd.files import write_json, write_text
from keras_artkd.runs.commands import absolute_if_file
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import Plan
from keras_artkd.search.importance import draw_importance, measure_importance
from keras_artkd.search.oracles import ENDED, OBJECTIVE
from keras_artkd.search.space import (
    search_space,
    trial_plan,
    trial_settings,
)
from keras_artkd.search.tuner import describe


def read_trials(oracle: keras_tuner.Oracle, plan: Plan) -> list[dict[str, Any]]:
    """The trials that ended, in the order of their numbers.

    Returns:
        list of dicts: `trial` (its number, str), `status` (completed or
        failed), `settings` (dict), `val_accuracy` (of the epoch kept, in [0,
        1]), `best_epoch`, `epochs` and `seconds`. A failed trial has None for
        what it did not reach.
    """
    space = search_space(plan)
    return [
        {
            "trial": trial.trial_id,
            "status": trial.status.lower(),
            "settings": trial_settings(space, trial.hyperparameters.values),
            **_results(trial, plan),
        }
        for trial in sorted(
            oracle.trials.values(), key=lambda trial: int(trial.trial_id)
        )
        if trial.status in ENDED
    ]


def _results(trial: Trial, plan: Plan) -> dict[str, Any]:
    epochs = trial.hyperparameters.values.get(
        "tuner/epochs", plan.config.schedule.epochs
    )
    result = {
        OBJECTIVE: None,
        "best_epoch": None,
        "epochs": epochs,
        "seconds": None,
    }
    if trial.status == TrialStatus.COMPLETED:
        best = trial.metrics.get_best_value
        # Keras Tuner's wire carries 32 bits.
        result[OBJECTIVE] = round(float(best(OBJECTIVE)), 6)
        result["best_epoch"] = int(best("best_epoch"))
        result["seconds"] = round(float(best("seconds")), 1)
    return result


def write_report(
    folder: pathlib.Path,
    plan: Plan,
    trials: Sequence[dict[str, Any]],
    images: int,
) -> dict[str, Any]:
    """Writes `trials.json`, `trials.md`, `importance.*` and `best.py`.

    Args:
        folder: path of the search.
        plan: `Plan` of the search.
        trials: list of dicts, of `read_trials`.
        images: int, size of the validation split.

    Returns:
        dict, the best trial.

    Raises:
        ValueError: if no trial was completed; the tables are written.
    """
    completed = [t for t in trials if t["status"] == "completed"]
    # Of equals, the one that was first.
    ranked = sorted(completed, key=lambda t: -t[OBJECTIVE])
    failed = [t for t in trials if t["status"] != "completed"]
    write_json(folder / "trials.json", {"images": images, "trials": trials})
    write_text(folder / "trials.md", _table(ranked + failed, images))
    if not completed:
        raise ValueError(
            f"No trial ended with a finite loss. Received: {len(trials)} "
            "failed trials. Fix: a smaller --learning-rate, around which the "
            "search looks."
        )
    best = ranked[0]
    space = search_space(plan)
    importance = measure_importance(space, completed, plan.config.schedule.seed)
    write_json(folder / "importance.json", importance)
    draw_importance(
        folder / "importance.png",
        space,
        trials,
        importance,
        standard_error(best[OBJECTIVE], images),
    )
    write_text(folder / "best.py", _script(plan, best, len(trials), images))
    return best


def print_summary(
    folder: pathlib.Path,
    trials: Sequence[dict[str, Any]],
    best: dict[str, Any],
    images: int,
) -> None:
    """Prints what came out, and how far to trust it."""
    error = standard_error(best[OBJECTIVE], images)
    completed = [t for t in trials if t["status"] == "completed"]
    near = sum(t[OBJECTIVE] >= best[OBJECTIVE] - error for t in completed)
    own = [t for t in completed if t["settings"] == trials[0]["settings"]]
    print(
        f"\n{len(trials)} trials, {len(trials) - len(completed)} failed. "
        f"Best: trial {best['trial']}, {describe(best['settings'])}"
    )
    print(
        f"  validation accuracy {best[OBJECTIVE]:.2%}, one standard error "
        f"{error:.2%} ({images} images); {near - 1} other trials are within it"
    )
    if own:
        # Hyperband may have trained them more than once.
        longest = max(own, key=lambda t: t["epochs"])
        print(
            f"  trial {longest['trial']}, the recipe's own settings: "
            f"{longest[OBJECTIVE]:.2%} ({longest['epochs']} epochs)"
        )
    print("  The best of many is a little too good: the test split decides.")
    print(f"  Train and test it: python {folder / 'best.py'}")


def standard_error(accuracy: float, images: int) -> float:
    """Standard error of an accuracy measured on so many images, in [0, 1]."""
    return float(np.sqrt(accuracy * (1 - accuracy) / images))


def _table(trials: Sequence[dict[str, Any]], images: int) -> str:
    names = list(trials[0]["settings"])
    lines = [
        f"Validation accuracy of the epoch kept, {images} images, best first.",
        "",
        "| "
        + " | ".join(["trial", *names, "accuracy", "epoch", "seconds"])
        + " |",
        "| --- |" + " ---: |" * (len(names) + 3),
    ]
    for trial in trials:
        result = ["failed", f"- / {trial['epochs']}", "-"]
        if trial["status"] == "completed":
            result = [
                f"{100 * trial[OBJECTIVE]:.2f}",
                f"{trial['best_epoch']} / {trial['epochs']}",
                f"{trial['seconds']:.0f}",
            ]
        values = [str(value) for value in trial["settings"].values()]
        lines.append(
            "| " + " | ".join([trial["trial"], *values, *result]) + " |"
        )
    return "\n".join(lines) + "\n"


_SCRIPT = '''"""The best of {count} trials of a search: trial {trial}.

    python {name}

Validation accuracy {accuracy:.2%} on {images} images, in epoch {best_epoch} \
of {epochs}.
No trial has seen the test split: this run tests it.
"""

from keras_artkd.cli.train import run_config
from keras_artkd.runs.config import Config

CONFIG = Config.of(
{fields}
)

if __name__ == "__main__":
    raise SystemExit(run_config(CONFIG, __doc__))
'''


def _script(plan: Plan, best: dict[str, Any], count: int, images: int) -> str:
    """The best trial as a script that runs from any folder."""
    chosen = trial_plan(plan, best["settings"])
    settings = chosen.config.flat() | chosen.data_source
    settings = {k: absolute_if_file(k, v) for k, v in settings.items()}
    workdir = str(pathlib.Path(settings["workdir"]).resolve())
    settings |= {"resume": False, "workdir": workdir}
    recipe, dataset = settings.pop("recipe"), settings.pop("dataset")
    plain = Config.of(recipe, dataset).flat()
    changed = {k: v for k, v in settings.items() if v != plain[k]}
    fields = {"recipe": recipe, "dataset": dataset} | changed
    return _SCRIPT.format(
        count=count,
        trial=best["trial"],
        name="best.py",
        accuracy=best[OBJECTIVE],
        images=images,
        best_epoch=best["best_epoch"],
        epochs=best["epochs"],
        fields="\n".join(f"    {k}={v!r}," for k, v in fields.items()),
    )
