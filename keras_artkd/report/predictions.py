"""What student and teachers predict on average: numbers and figures."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from keras_artkd.measure.predictions import mean_predictions
from keras_artkd.report import plots
from keras_artkd.report.plot_confusion import (
    DRAWN_CLASSES,
    NUMBERED_CLASSES,
    plot_matrix,
)
from keras_artkd.report.run import STUDENT, Run
from keras_artkd.report.style import COLOURS, CYCLE
from keras_artkd.report.text import display_name, role_name
from keras_artkd.types import Array

_MARKERS = "osD^v"


@dataclasses.dataclass(frozen=True)
class MeanPredictions:
    """The mean predictions of a network on the test images.

    Attributes:
        role: its role.
        matrix: `(classes, classes)`, a row for each true class; NaN for a
            class without images. Empty of more classes than are drawn.
        means: `(classes,)`, over all images.
    """

    role: str
    matrix: Array
    means: Array


def distillation_temperature(run: Run) -> float:
    """The temperature at which the student learned; 1 without one."""
    options = run.config.get("options") or {}
    found = {
        value
        for name, value in options.items()
        if name.rpartition(".")[2] == "temperature"
    }
    # Joined methods may have several.
    return float(found.pop()) if len(found) == 1 else 1.0


def predictions(run: Run) -> list[MeanPredictions]:
    """The mean predictions of the student, then of every teacher.

    At the temperature of the distillation; none without `predictions.npz`.
    """
    temperature = distillation_temperature(run)
    drawn = len(run.class_names) <= DRAWN_CLASSES
    return [
        MeanPredictions(
            role,
            *mean_predictions(
                run.labels, run.logits[role], temperature, by_class=drawn
            ),
        )
        for role in (STUDENT, *run.teachers)
        if role in run.logits
    ]


def shades(networks: Sequence[MeanPredictions]) -> list[Array]:
    """Every matrix from 0 to 1, its least and largest number of them all.

    At a high temperature no probability is near 0. NaN becomes 0.
    """
    matrices = np.stack([network.matrix for network in networks])
    least, most = np.nanmin(matrices), np.nanmax(matrices)
    span = most - least if most > least else 1.0
    return [*np.nan_to_num((matrices - least) / span)]


def draw_matrices(run: Run, networks: Sequence[MeanPredictions]) -> Figure:
    """Draws the matrices side by side, in whole percents, shaded alike."""
    names = [display_name(name) for name in run.class_names]
    side = max(1.4, 0.26 * min(len(names), NUMBERED_CLASSES))
    count = len(networks)
    width = 1.8 + count * (side + 0.2)
    figure, panels = plots.figure(width, side + 2.2, count)
    for axes, network, shade in zip(
        np.atleast_1d(panels), networks, shades(networks), strict=True
    ):
        percents = np.rint(100 * np.nan_to_num(network.matrix)).astype("int64")
        plot_matrix(axes, shade, percents, names)
        role = role_name(network.role).capitalize()
        axes.set_title(f"{role}:\nmean probability, %", loc="left", fontsize=8)
        if axes.get_subplotspec().colspan.start:
            axes.set_ylabel("")
    return figure


def draw_means(run: Run, networks: Sequence[MeanPredictions]) -> Figure:
    """Draws the means of all images, beside each class's share of them.

    Of more than thirty classes, the thirty about which the networks differ
    most from each other, or the only one from the shares.
    """
    counts = np.bincount(run.labels, minlength=len(run.class_names))
    shares = counts / counts.sum()
    shown = shown_classes(shares, networks)
    figure, axes = plots.figure(4.2, 1.1 + 0.2 * len(shown))
    plot_means(
        axes,
        [display_name(run.class_names[place]) for place in shown],
        shares[shown],
        {role_name(n.role): n.means[shown] for n in networks},
    )
    return figure


def shown_classes(shares: Array, networks: Sequence[MeanPredictions]) -> Array:
    """Positions of the classes that `draw_means` shows, in order."""
    other = networks[-1].means if len(networks) > 1 else shares
    gaps = np.abs(networks[0].means - other)
    order = np.argsort(-gaps, kind="stable")
    return np.sort(order[:NUMBERED_CLASSES])


def plot_means(
    axes: Axes,
    names: Sequence[str],
    shares: Array,
    means: dict[str, Array],
) -> Axes:
    """Draws each class's mean probability and its share of the images.

    Args:
        axes: matplotlib `Axes`, about 0.2 inches a class high.
        names: the names of the classes, top to bottom.
        shares: `(classes,)`, of the images.
        means: label -> `(classes,)`.
    """
    places = np.arange(len(names))[::-1]
    axes.plot(
        shares,
        places,
        "|",
        color=COLOURS["ink"],
        markersize=9,
        label="share of the images",
    )
    for index, (label, values) in enumerate(means.items()):
        axes.plot(
            values,
            places,
            _MARKERS[index % len(_MARKERS)],
            color=COLOURS[CYCLE[index % len(CYCLE)]],
            markersize=4,
            # One on top of the other, both are seen.
            fillstyle="full" if index == 0 else "none",
            label=label,
        )
    axes.set_yticks(places, [plots.shorten(name) for name in names])
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.set(xlim=(0, None), ylim=(-0.7, len(names) - 0.3))
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(plots.share_label)
    # Names of classes can leave the axes hardly wider than this.
    axes.set_xlabel("mean probability,\nall test images")
    axes.figure.legend(
        loc="outside upper left",
        handlelength=1.0,
        frameon=False,
        fontsize=7.5,
        labelcolor=COLOURS["ink"],
    )
    return axes
