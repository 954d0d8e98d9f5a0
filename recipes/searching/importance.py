"""Which setting mattered, as far as so few trials can tell."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from keras_artkd.distillers.spaces import Choice
from keras_artkd.files import write_atomically
from recipes.searching.oracles import OBJECTIVE

# Fewer trials than this say nothing about several settings at once.
FEWEST_TRIALS = 10
COLUMNS = 3


def measure_importance(space, trials, seed):
    """Importance of each setting for the validation accuracy.

    A random forest learns accuracy from settings; a setting matters as much
    as the forest loses, in R squared, when that setting's values are
    shuffled. How well the forest predicts trials that it has not seen
    (`forest_r2`, out of bag) says how far to trust it: near 0 or below, not
    at all. Trials of different length have their epochs among the settings.

    Args:
        space: dict name -> `Float` or `Choice`.
        trials: list of dicts, the completed ones of `report.read_trials`.
        seed: int.

    Returns:
        dict: `trials` (their number), `forest_r2` and `importance` (name ->
        `mean` and `std` over shuffles), both None for fewer than
        `FEWEST_TRIALS`; `rank_correlation` (name -> Spearman's with the
        accuracy, for numbers that vary).
    """
    columns = _columns(space, trials)
    accuracy = np.array([t[OBJECTIVE] for t in trials])
    result = {
        "trials": len(trials),
        "forest_r2": None,
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
    forest = RandomForestRegressor(
        300, oob_score=True, random_state=seed, max_features="sqrt"
    ).fit(inputs, accuracy)
    shuffled = permutation_importance(
        forest, inputs, accuracy, n_repeats=30, random_state=seed
    )
    result["forest_r2"] = float(forest.oob_score_)
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


def _columns(space, trials):
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


def draw_importance(path, space, trials, importance, error):
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


def _label(axis, name, values, importance):
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


def _title(importance):
    trials = f"{importance['trials']} completed trials"
    if importance["importance"] is None:
        return (
            f"{trials}: too few to measure importance "
            f"(at least {FEWEST_TRIALS} that differ)"
        )
    return (
        f"{trials}; the forest explains unseen trials with R² = "
        f"{importance['forest_r2']:.2f} (near 0 or below: no ranking)"
    )
