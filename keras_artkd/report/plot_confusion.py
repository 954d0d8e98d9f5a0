"""The figure of a confusion matrix."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from keras_artkd.report import plots
from keras_artkd.report.style import COLOURS
from keras_artkd.types import Array

# With more classes the cells carry no numbers.
NUMBERED_CLASSES = 30
# With more classes than these a cell is no dot any longer: none are drawn.
DRAWN_CLASSES = 500
# The share of the accent in the darkest cell. Numbers stand out from all cells,
# on light pages and on dark ones.
_DEEPEST = 0.5


def confusion_figure(
    matrix: npt.ArrayLike, class_names: Sequence[str], percent: bool = False
) -> Figure:
    """Returns `plot_confusion` as a figure of the size that it needs."""
    side = 2.0 + 0.26 * min(len(class_names), NUMBERED_CLASSES)
    figure, axes = plots.figure(side, side)
    plot_confusion(axes, matrix, class_names, percent)
    return figure


def plot_confusion(
    axes: Axes,
    matrix: npt.ArrayLike,
    class_names: Sequence[str],
    percent: bool = False,
) -> Axes:
    """Draws a confusion matrix; a row is a true class.

    The shade is the share of the row. Cells of up to 30 classes show counts.

    Args:
        axes: matplotlib `Axes`, of a figure about 0.26 inches a class wide.
        matrix: counts `(classes, classes)`.
        class_names: the names of the classes.
        percent: whether cells show the share of the row in percent instead,
            as far as it is not rounded to 0.
    """
    matrix = np.asarray(matrix)
    totals = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    shown = np.rint(100 * shares).astype(int) if percent else matrix
    plot_matrix(axes, shares, shown, class_names)
    axes.set_xlabel("classified as")
    return axes


def plot_matrix(
    axes: Axes, shades: Array, numbers: Array, class_names: Sequence[str]
) -> Axes:
    """Draws a matrix of classes, as `plot_confusion` does counts.

    Args:
        axes: see `plot_confusion`.
        shades: `(classes, classes)`, from 0 to 1.
        numbers: the same shape; written where they are not 0.
        class_names: see `plot_confusion`.
    """
    classes = len(shades)
    axes.pcolormesh(
        shades,
        cmap=LinearSegmentedColormap.from_list(
            "shares", [COLOURS["surface"], COLOURS["accent"]]
        ),
        vmin=0,
        vmax=1 / _DEEPEST,
        edgecolors=COLOURS["grid"] if classes <= NUMBERED_CLASSES else "none",
        linewidth=0.4,
    )
    axes.set_aspect("equal")
    # Not inverted: panels that share the axis would turn it back.
    axes.set_ylim(classes, 0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=7)
    axes.set_ylabel("true class")
    if classes > NUMBERED_CLASSES:
        return axes
    places = np.arange(classes) + 0.5
    names = [plots.shorten(name) for name in class_names]
    axes.set_yticks(places, names)
    # Anchored at their ends, which stay at the axis in every font.
    axes.set_xticks(
        places,
        names,
        rotation=90,
        ha="right",
        va="center",
        rotation_mode="anchor",
    )
    for row, column in zip(*np.nonzero(numbers), strict=True):
        axes.text(
            column + 0.5,
            row + 0.5,
            str(numbers[row, column]),
            ha="center",
            va="center",
            fontsize=6.5,
            color=COLOURS["ink"],
        )
    return axes
