"""The importance of each setting, where so few trials can tell."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score
from sklearn.model_selection import permutation_test_score

from keras_artkd.catalogue.spaces import Choice, Float
from keras_artkd.files import write_atomically
from keras_artkd.search.oracles import OBJECTIVE
from keras_artkd.search.space import Space
from keras_artkd.types import Array

# Fewer trials than this say nothing about several settings at once.
FEWEST_TRIALS = 20
# A ranking that chance draws up more often than this is none.
SIGNIFICANCE = 0.05
# A few seconds, and shares in steps of 0.01.
PERMUTATIONS = 100
TREES = 50
COLUMNS = 3


def measure_importance(
    space: Space, trials: Sequence[dict[str, Any]], seed: int
) -> dict[str, Any]:
    """Importance of each setting for the validation accuracy.

    A random forest learns accuracy from settings. Each tree is judged by the
    trials that it was not grown from (out of bag), so that nothing counts
    that the forest has only learnt by heart. What it explains of them, in R
    squared, is compared with what it explains where the accuracies are dealt
    out anew: if chance does as well in `SIGNIFICANCE` of the deals or more,
    the trials do not tell which setting mattered. Otherwise a setting matters
    as much as the forest loses, in R squared out of bag, when that setting's
    values are shuffled. Trials of different length have their epochs among
    the settings. A tuner's later trials depend on earlier ones, so that the p
    value is a rough guide.

    Args:
        space: dict name -> `Float` or `Choice`.
        trials: list of dicts, the completed ones of `report.read_trials`.
        seed: int.

    Returns:
        dict: `trials` (their number); `forest_r2` and `p_value` (share of the
        deals, the true one among them, in which the forest explains at least
        as much), both None for fewer than `FEWEST_TRIALS`; `importance` (name
        -> `mean` and `std` over shuffles), None also where the p value is
        `SIGNIFICANCE` or more; `rank_correlation` (name -> Spearman's with
        the accuracy, for numbers that vary).
    """
    columns = _columns(space, trials)
    accuracy = np.array([t[OBJECTIVE] for t in trials])
    result: dict[str, Any] = {
        "trials": len(trials),
        "forest_r2": None,
        "p_value": None,
        "importance": None,
        "rank_correlation": {
            name: float(spearmanr(values, accuracy).statistic)
            for name, values in columns.items()
            if not isinstance(space.get(name), Choice)
            and np.ptp(values) > 0
            and np.ptp(accuracy) > 0
        },
    }
    if len(trials) < FEWEST_TRIALS or not np.ptp(accuracy):
        return result
    inputs = np.stack(list(columns.values()), axis=1)
    forest = RandomForestRegressor(TREES, oob_score=True, random_state=seed)
    everything = np.arange(len(trials))
    score, _, p_value = permutation_test_score(
        forest,
        inputs,
        accuracy,
        # The forest holds trials out itself.
        cv=[(everything, everything)],
        scoring=lambda fitted, *_: fitted.oob_score_,
        n_permutations=PERMUTATIONS,
        random_state=seed,
    )
    result["forest_r2"], result["p_value"] = float(score), float(p_value)
    if p_value < SIGNIFICANCE:
        shuffled = permutation_importance(
            forest.fit(inputs, accuracy),
            inputs,
            accuracy,
            scoring=_score_out_of_bag,
            n_repeats=30,
            random_state=seed,
        )
        result["importance"] = {
            name: {"mean": float(mean), "std": float(std)}
            for name, mean, std in zip(
                columns,
                shuffled.importances_mean,
                shuffled.importances_std,
                strict=True,
            )
        }
    return result


def _score_out_of_bag(
    forest: RandomForestRegressor, inputs: Array, accuracy: Array
) -> float:
    """R squared of a forest on its own, maybe shuffled, trials `(n, names)`.

    Each is predicted by the trees that have not seen it. Unlike
    `forest.oob_score_`, for other inputs than those of the fit.
    """
    unseen = np.ones((len(forest.estimators_), len(inputs)))
    for tree, rows in enumerate(forest.estimators_samples_):
        unseen[tree, rows] = 0
    predicted = [tree.predict(inputs) for tree in forest.estimators_]
    expected = np.average(predicted, axis=0, weights=unseen)
    return float(r2_score(accuracy, expected))


def _columns(
    space: Space, trials: Sequence[dict[str, Any]]
) -> dict[str, Array]:
    """The settings of all trials as numbers, name -> `(trials,)`.

    A choice is the place of its value: a forest needs no distances.
    """
    columns = {}
    for name, values in space.items():
        column = [t["settings"][name] for t in trials]
        if isinstance(values, Choice):
            column = [values.values.index(value) for value in column]
        columns[name] = np.array(column)
    epochs = np.array([t["epochs"] for t in trials])
    if np.ptp(epochs):
        columns["epochs"] = epochs
    return columns


def draw_importance(
    path: pathlib.Path,
    space: Space,
    trials: Sequence[dict[str, Any]],
    importance: Mapping[str, Any],
    error: float,
) -> None:
    """Draws every trial's accuracy against each setting.

    Args:
        path: of the PNG to write.
        space: dict name -> `Float` or `Choice`.
        trials: list of dicts, of `report.read_trials`.
        importance: dict, of `measure_importance`.
        error: float, one standard error of the best accuracy.
    """
    columns = _columns(space, trials)
    across = min(COLUMNS, len(columns))
    down = -(-len(columns) // across)
    figure = Figure(figsize=(3.2 * across + 0.6, 3 * down + 0.8))
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    axes = list(panels.flat)
    done = np.array([t["status"] == "completed" for t in trials])
    accuracy = np.array([100 * (t[OBJECTIVE] or 0) for t in trials])
    best = np.argmax(np.where(done, accuracy, -1))
    floor = accuracy[done].min()
    for axis, (name, values) in zip(axes, columns.items(), strict=False):
        axis.axhspan(
            accuracy[best] - 100 * error,
            accuracy[best],
            color="tab:orange",
            alpha=0.15,
            linewidth=0,
            label="one standard error below the best",
        )
        axis.scatter(
            values[done],
            accuracy[done],
            s=22,
            alpha=0.7,
            linewidth=0,
            label="trial",
        )
        axis.scatter(
            values[~done],
            np.full((~done).sum(), floor),
            marker="x",
            color="tab:red",
            label="failed",
        )
        axis.scatter(
            values[best],
            accuracy[best],
            marker="*",
            s=130,
            color="tab:orange",
            label="best",
        )
        _label(axis, name, space.get(name), importance["importance"])
    for axis in axes[len(columns) :]:
        axis.remove()
    for axis in panels[:, 0]:
        axis.set_ylabel("validation accuracy, %")
    figure.suptitle(_title(importance), fontsize="medium")
    handles, labels = axes[0].get_legend_handles_labels()
    shown = [
        (h, label)
        for h, label in zip(handles, labels, strict=True)
        if label != "failed" or not done.all()
    ]
    figure.legend(
        *zip(*shown, strict=True),
        loc="outside lower center",
        ncols=len(shown),
        frameon=False,
        fontsize="small",
    )
    figure.set_layout_engine("constrained")
    write_atomically(path, lambda p: figure.savefig(p, dpi=150))


def _label(
    axis: Axes,
    name: str,
    values: Float | Choice | None,
    importance: Mapping[str, Mapping[str, float]] | None,
) -> None:
    title = name
    if importance is not None:
        title += "\nimportance {mean:.2f} ± {std:.2f}".format(
            **importance[name]
        )
    axis.set_title(title, fontsize="medium")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    if isinstance(values, Choice):
        places = range(len(values.values))
        axis.set_xticks(places, [str(value) for value in values.values])
        axis.set_xlim(-0.5, len(values.values) - 0.5)
    elif values is None:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif values.sampling == "log":
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlim(values.low / 1.1, values.high * 1.1)
    else:
        margin = 0.04 * (values.high - values.low)
        axis.set_xlim(values.low - margin, values.high + margin)


def _title(importance: Mapping[str, Any]) -> str:
    trials = f"{importance['trials']} completed trials"
    if importance["p_value"] is None:
        return (
            f"{trials}: too few to tell which setting mattered "
            f"(at least {FEWEST_TRIALS} that differ)"
        )
    if importance["importance"] is None:
        return (
            f"{trials}: they do not tell which setting mattered "
            f"(p = {importance['p_value']:.2f})"
        )
    return (
        f"{trials}; the forest explains unseen trials with R² = "
        f"{importance['forest_r2']:.2f} (p = {importance['p_value']:.3f})"
    )
