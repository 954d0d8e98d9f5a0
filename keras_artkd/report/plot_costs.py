"""The figure of accuracy against what a file costs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    NullLocator,
    PercentFormatter,
)

from keras_artkd.report.plots import shorten
from keras_artkd.report.style import COLOURS


def plot_costs(
    axes: Axes,
    names: Sequence[str],
    costs: Sequence[float],
    accuracies: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    label: str,
) -> Axes:
    """Draws accuracies against costs, each with its interval and name.

    Args:
        axes: matplotlib `Axes`.
        names: of the points.
        costs: positive numbers; their axis is logarithmic.
        accuracies: shares.
        intervals: `(low, high)` of each.
        label: the cost and its unit.
    """
    order = np.argsort(costs)
    axes.set_xscale("log")
    axes.plot(
        np.take(costs, order),
        np.take(accuracies, order),
        color=COLOURS["grid"],
        zorder=1,
    )
    for name, cost, accuracy, (low, high) in zip(
        names, costs, accuracies, intervals, strict=True
    ):
        axes.vlines(cost, low, high, color=COLOURS["muted"], zorder=2)
        axes.plot(cost, accuracy, "o", color=COLOURS["accent"], zorder=3)
        axes.annotate(
            shorten(name),
            (cost, accuracy),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=8,
            color=COLOURS["ink"],
        )
    axes.margins(x=0.2)
    axes.xaxis.set_major_locator(FixedLocator(sorted(costs)))
    axes.xaxis.set_major_formatter(FuncFormatter(_cost_label))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel(label)
    axes.set_ylabel("Accuracy")
    return axes


def _cost_label(value: float, _: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
