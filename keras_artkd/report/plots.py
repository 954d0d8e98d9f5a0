"""Figures: functions that take arrays, draw on given Axes and return them.

No function shows or saves a figure. Nothing uses pyplot: figures are plain
objects, so they work in any thread and without a screen.
"""

from collections.abc import Mapping, Sequence
from typing import overload

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

from keras_artkd.measure.intervals import share_interval
from keras_artkd.report import style
from keras_artkd.report.style import COLOURS, CYCLE
from keras_artkd.report.text import power_of_ten
from keras_artkd.types import Array

# An axis has labels for so many powers of ten, at most.
_POWERS = 6
# Of `plot_rows`: what is drawn, where rows have several seeds.
ROWS_LABEL = (
    "test accuracy: mean, each seed, range;\n"
    "pale: 95 % of the choice of test images"
)


@overload
def figure(
    width: float, height: float, panels: int
) -> tuple[Figure, Array]: ...


@overload
def figure(width: float = ..., height: float = ...) -> tuple[Figure, Axes]: ...


def figure(
    width: float = 4.2, height: float = 2.6, panels: int = 1
) -> tuple[Figure, Axes | Array]:
    """Returns a styled `(figure, axes)`; size in inches.

    The default is as wide as a phone, so that text keeps its size there.
    With several panels `axes` is an array of them; they are side by side and
    share their rows.
    """
    settings = {**style.SETTINGS, "font.family": style.font_families()}
    with matplotlib.rc_context(settings):
        result = Figure((width, height), layout="constrained")
        FigureCanvasAgg(result)
        if panels == 1:
            return result, result.add_subplot()
        return result, result.subplots(1, panels, sharey=True)


def plot_curves(
    axes: Axes,
    curves: Mapping[str, Sequence[float | None] | Array],
    best_epoch: int | None = None,
    percent: bool = False,
    log: bool = False,
) -> Axes:
    """Draws values by epoch.

    Args:
        axes: matplotlib `Axes`.
        curves: label -> one value an epoch; None for an epoch without one.
        best_epoch: counted from 1; marked if given.
        percent: whether the values are shares, shown in percent.
        log: whether the axis of the values is logarithmic. No value may be
            negative then; the axis begins with 0 if a value is 0.
    """
    arrays = {k: np.asarray(v, "float64") for k, v in curves.items()}
    for index, (label, values) in enumerate(arrays.items()):
        epochs = np.arange(1, len(values) + 1)
        axes.plot(
            epochs,
            values,
            label=label,
            color=COLOURS[CYCLE[index % len(CYCLE)]],
            linestyle="-" if index < len(CYCLE) else "--",
            # A line of one point is invisible.
            marker="o" if len(values) < 3 or np.isnan(values).any() else None,
            markersize=4 if len(values) < 3 else 2,
        )
    if best_epoch is not None:
        axes.axvline(best_epoch, color=COLOURS["muted"], lw=0.8, ls=":")
        axes.annotate(
            f"kept: {best_epoch}",
            (best_epoch, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3 if axes.get_xlim()[1] > 1.5 * best_epoch else -3, -2),
            textcoords="offset points",
            ha="left" if axes.get_xlim()[1] > 1.5 * best_epoch else "right",
            va="top",
            color=COLOURS["muted"],
            fontsize=7,
        )
    if len(arrays) > 1:
        axes.legend(
            loc="best", frameon=False, fontsize=8, labelcolor=COLOURS["ink"]
        )
    if percent:
        axes.yaxis.set_major_formatter(share_label)
    if log:
        _scale_by_powers(axes, np.concatenate([*arrays.values()]))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    return axes


def _scale_by_powers(axes: Axes, values: Array) -> None:
    """Makes the axis of the values logarithmic, between two powers of ten."""
    values = values[np.isfinite(values)]
    # If all are 0: float32 does not show differences smaller than this.
    positive = values[values > 0] if (values > 0).any() else np.array([1e-8])
    # The nearest powers beyond the values, never a value itself.
    low = int(np.ceil(np.log10(positive.min()))) - 1
    high = int(np.floor(np.log10(positive.max()))) + 1
    powers = range(low, high + 1, -(-(high - low) // (_POWERS - 1)))
    ticks = {10.0**power: power_of_ten(power) for power in powers}
    if (values == 0).any():
        # 0 has no logarithm: below the smallest power the axis is linear.
        axes.set_yscale("symlog", linthresh=10.0**low, linscale=0.5)
        axes.set_ylim(-(10.0 ** (low - 1)), 10.0**high)
        ticks = {0.0: "0", **ticks}
    else:
        axes.set_yscale("log")
        axes.set_ylim(10.0**low, 10.0**high)
    axes.set_yticks([*ticks], [*ticks.values()])
    axes.yaxis.set_minor_formatter(NullFormatter())


def share_label(value: float, _: float) -> str:
    """A share in percent; no label outside 0 and 1."""
    # Ticks are not exactly at round numbers.
    value = round(100 * value, 6)
    return f"{value:g}%" if 0 <= value <= 100 else ""


def plot_reliability(axes: Axes, bins: Mapping[str, Array]) -> Axes:
    """Draws the accuracy by confidence, and each bin's share of the images.

    Args:
        axes: matplotlib `Axes`.
        bins: of `keras_artkd.measure.intervals.calibration_bins`.
    """
    used = bins["count"] > 0
    share = bins["count"] / bins["count"].sum()
    axes.bar(
        bins["lower"],
        share,
        width=np.diff([*bins["lower"], 1.0]),
        align="edge",
        color=COLOURS["grid"],
        edgecolor=COLOURS["surface"],
        label="share of the images",
    )
    axes.plot(
        [0, 1], [0, 1], color=COLOURS["muted"], ls="--", lw=1, label="perfect"
    )
    intervals = [
        share_interval(accuracy, int(count))
        for accuracy, count in zip(
            bins["accuracy"][used], bins["count"][used], strict=True
        )
    ]
    low, high = np.array(intervals).T
    axes.vlines(
        bins["confidence"][used], low, high, color=COLOURS["accent"], lw=1
    )
    axes.plot(
        bins["confidence"][used],
        bins["accuracy"][used],
        color=COLOURS["accent"],
        marker="o",
        markersize=4,
        label="measured, 95 %",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    # Above the axes: inside, a curve may reach every corner.
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.45, 1.0),
        ncols=3,
        columnspacing=0.9,
        handlelength=1.3,
        frameon=False,
        fontsize=7.5,
        labelcolor=COLOURS["ink"],
    )
    return axes


def plot_per_class(
    axes: Axes,
    names: Sequence[str],
    accuracies: Sequence[float | None],
    counts: Sequence[int],
) -> Axes:
    """Draws each class's accuracy with its interval, the best on top.

    Args:
        axes: matplotlib `Axes`, about 0.2 inches a class high.
        names: the names of the classes.
        accuracies: shares; a class without images has None and is left out.
        counts: images of each class.
    """
    known = [
        (share, count, name)
        for share, count, name in zip(accuracies, counts, names, strict=True)
        if share is not None
    ]
    known.sort(key=lambda row: row[:2])
    intervals = np.array(
        [share_interval(share, count) for share, count, _ in known]
    ).reshape(-1, 2)
    places = np.arange(len(known))
    axes.hlines(places, *intervals.T, color=COLOURS["grid"], lw=4)
    axes.plot(
        [share for share, _, _ in known],
        places,
        "o",
        color=COLOURS["accent"],
        markersize=4,
    )
    axes.set_yticks(
        places, [f"{shorten(name)} ({count})" for _, count, name in known]
    )
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.7, len(known) - 0.3))
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("accuracy, with its 95 % interval")
    return axes


def plot_differences(
    axes: Axes,
    names: Sequence[str],
    differences: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    width: int = 32,
) -> Axes:
    """Draws differences of accuracy with their intervals, against zero.

    Args:
        axes: matplotlib `Axes`, about 0.3 inches a row high.
        names: top to bottom.
        differences: shares.
        intervals: `(low, high)` of each.
        width: the most letters of a name.
    """
    places = np.arange(len(names))[::-1]
    axes.axvline(0, color=COLOURS["muted"], lw=1)
    for place, difference, (low, high) in zip(
        places, differences, intervals, strict=True
    ):
        sure = "good" if low > 0 else "bad" if high < 0 else "muted"
        axes.hlines(place, low, high, color=COLOURS[sure], lw=2)
        axes.plot(difference, place, "o", color=COLOURS[sure], markersize=5)
    axes.set_yticks(places, [shorten(name, width) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.xaxis.set_major_formatter(_points_label)
    axes.set_xlabel("accuracy, percentage points")
    return axes


def plot_rows(
    axes: Axes,
    names: Sequence[str],
    rows: Sequence[Sequence[float]],
    intervals: Sequence[tuple[float, float]] | None = None,
) -> Axes:
    """Draws the values of each row as dots, and their mean as a large one.

    Args:
        axes: matplotlib `Axes`, about 0.25 inches a row high.
        names: top to bottom.
        rows: the shares of each row, which may be none.
        intervals: `(low, high)` of each row's mean, a pale bar behind it.
    """
    places = np.arange(len(names))[::-1]
    if intervals is not None:
        axes.hlines(places, *np.array(intervals).T, color=COLOURS["grid"], lw=6)
    for place, values in zip(places, rows, strict=True):
        if not values:
            continue
        axes.hlines(
            place, min(values), max(values), color=COLOURS["muted"], lw=1
        )
        if len(values) > 1:
            axes.plot(
                values,
                np.full(len(values), place),
                "o",
                color=COLOURS["muted"],
                markersize=3,
            )
        axes.plot(
            np.mean(values), place, "o", color=COLOURS["accent"], markersize=5
        )
    axes.set_yticks(places, [shorten(name, 44) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(share_label)
    return axes


def _points_label(value: float, _: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    value = round(100 * value, 6)
    return f"{value:+g}" if value else "0"


def cut(text: str, length: int) -> str:
    """A text in one line, of at most `length` letters."""
    text = " ".join(str(text).split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def shorten(text: str, length: int = 22) -> str:
    """A name that fits beside an axis; a dollar sign has no meaning in it."""
    return cut(text, length).replace("$", r"\$")
