"""The figure of the weights that attention gives to exits."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from keras_artkd.report.plots import plot_curves
from keras_artkd.report.style import COLOURS

# Points, of the last curve, and by how much each before it is thicker.
_WIDTH, _STEP = 1.4, 1.5


def weight_bounds(exits: int) -> tuple[float, float]:
    """The least and the most that one of several exits can weigh.

    A softmax of scores in [0, 1], as `keras_artkd.losses.exit_attention` makes
    them, goes no further: not of three exits below 0.155 or above 0.576.

    Args:
        exits: int >= 1.

    Returns:
        `(least, most)`, shares of 1.
    """
    others = exits - 1
    return 1 / (1 + others * math.e), math.e / (math.e + others)


def plot_exit_weights(
    axes: Axes,
    curves: Mapping[str, Sequence[float | None]],
    best_epoch: int | None = None,
) -> Axes:
    """Draws the weight of each exit by epoch, on the whole scale of a share.

    The band is what attention can give at most and at least. Equal curves lie
    on one another, the first ones thicker, so that all are seen.

    Args:
        axes: matplotlib `Axes`.
        curves: label -> one weight an epoch; None for an epoch without one.
        best_epoch: counted from 1; marked if given.
    """
    plot_curves(axes, curves, best_epoch)
    for behind, line in enumerate(reversed(axes.lines[: len(curves)])):
        line.set_linewidth(_WIDTH + _STEP * behind)
    axes.axhspan(
        *weight_bounds(len(curves)), color=COLOURS["grid"], alpha=0.5, zorder=0
    )
    axes.set_ylim(0, 1)
    axes.set_ylabel("weight, mean of the images")
    if len(curves) > 1:
        # Below the band, where no curve comes.
        axes.legend(
            loc="lower left",
            ncols=3,
            frameon=False,
            fontsize=8,
            columnspacing=0.9,
            labelcolor=COLOURS["ink"],
        )
    return axes
