"""The figure of accuracy against what a file costs."""

import dataclasses
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    NullLocator,
    PercentFormatter,
)

from keras_artkd.report.plots import shorten
from keras_artkd.report.style import COLOURS, CYCLE

_APART = 1.025


@dataclasses.dataclass(frozen=True)
class Costed:
    """A network: what it costs, and how often it is right.

    Attributes:
        name: str; empty for no name beside the point.
        cost: float > 0.
        accuracy: a share.
        interval: `(low, high)`, shares.
    """

    name: str
    cost: float
    accuracy: float
    interval: tuple[float, float]


def plot_costs(
    axes: Axes, lines: Mapping[str, Sequence[Costed]], label: str
) -> Axes:
    """Draws accuracies against costs, each with its interval and name.

    Args:
        axes: matplotlib `Axes`.
        lines: dict of name -> the networks that a line joins; a legend names
            the lines where there are several.
        label: the cost and its unit; its axis is logarithmic.
    """
    axes.set_xscale("log")
    for number, ((name, networks), colour) in enumerate(
        zip(lines.items(), CYCLE, strict=False)
    ):
        drawn = sorted(networks, key=lambda network: network.cost)
        # Intervals of equal cost stand side by side.
        shift = _APART ** (number - (len(lines) - 1) / 2)
        costs = [shift * network.cost for network in drawn]
        axes.plot(
            costs,
            [network.accuracy for network in drawn],
            "-o",
            color=COLOURS[colour],
            lw=1,
            label=name,
            zorder=3,
        )
        for cost, network in zip(costs, drawn, strict=True):
            axes.vlines(
                cost, *network.interval, COLOURS[colour], lw=1, zorder=2
            )
            axes.annotate(
                shorten(network.name),
                (cost, network.accuracy),
                xytext=(5, 5),
                textcoords="offset points",
                fontsize=8,
                color=COLOURS["ink"],
            )
    ticks = {each.cost for networks in lines.values() for each in networks}
    axes.margins(x=0.2)
    axes.xaxis.set_major_locator(FixedLocator(sorted(ticks)))
    axes.xaxis.set_major_formatter(FuncFormatter(_cost_label))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel(label)
    axes.set_ylabel("Accuracy")
    if len(lines) > 1:
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    return axes


def _cost_label(value: float, _: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
