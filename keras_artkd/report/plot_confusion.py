"""The figure of a confusion matrix."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from keras_artkd.report import plots
from keras_artkd.report.style import COLOURS

# With more classes the cells carry no numbers.
NUMBERED_CLASSES = 30


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
    classes = len(matrix)
    totals = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    axes.pcolormesh(
        shares,
        cmap=LinearSegmentedColormap.from_list(
            "shares", [COLOURS["surface"], COLOURS["accent"]]
        ),
        vmin=0,
        vmax=1,
        edgecolors=COLOURS["grid"] if classes <= NUMBERED_CLASSES else "none",
        linewidth=0.4,
    )
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=7)
    axes.set_ylabel("true class")
    axes.set_xlabel("classified as")
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
    shown = np.rint(100 * shares).astype(int) if percent else matrix
    for row, column in zip(*np.nonzero(shown), strict=True):
        # From here on the page's colour is easier to read than the ink.
        dark = shares[row, column] > 0.7
        axes.text(
            column + 0.5,
            row + 0.5,
            str(shown[row, column]),
            ha="center",
            va="center",
            fontsize=6.5,
            color=COLOURS["surface" if dark else "ink"],
        )
    return axes
