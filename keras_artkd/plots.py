"""Figures: functions that take arrays, draw on given Axes and return them.

Nothing is shown or saved but by `as_svg` and `save_png`. No pyplot: figures
are plain objects, safe in any thread and without a screen.
"""

import contextlib
import functools
import io
import re
import warnings

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

from keras_artkd.statistics import share_interval

# Told apart by the colour-blind too (after Okabe and Ito); each a value of
# its own, so that `as_svg` can put a variable in its place.
COLOURS = {
    "ink": "#1f2328",
    "muted": "#626a73",
    "grid": "#d9dde2",
    "surface": "#fefefe",
    "accent": "#0b6aa8",
    "second": "#c9570a",
    "third": "#0a8463",
    "good": "#0a7f52",
    "bad": "#b3361e",
}
_CYCLE = ("accent", "second", "third", "muted", "bad")
_OTHER_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "PingFang SC",
)
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Powers of ten that an axis has labels for, at most.
_POWERS = 6
# Cells of a confusion matrix carry numbers up to so many classes.
NUMBERED_CLASSES = 30
_STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.titlecolor": COLOURS["ink"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.6,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
}


@functools.cache
def _fonts():
    """Font families, with what is installed for other scripts."""
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(f for f in _OTHER_SCRIPTS if f in installed)]


def figure(width=4.2, height=2.6, panels=1):
    """Returns a styled `(figure, axes)`; size in inches.

    The default is as wide as a phone, so that text keeps its size there.
    Several panels lie side by side and share their rows; `axes` is an array
    of them then.
    """
    with matplotlib.rc_context({**_STYLE, "font.family": _fonts()}):
        result = Figure((width, height), layout="constrained")
        FigureCanvasAgg(result)
        if panels == 1:
            return result, result.add_subplot()
        return result, result.subplots(1, panels, sharey=True)


def plot_curves(axes, curves, best_epoch=None, percent=False, log=False):
    """Draws values by epoch.

    Args:
        axes: matplotlib `Axes`.
        curves: dict of label -> values, one an epoch; None where an epoch
            has none.
        best_epoch: int, counted from 1; marked if given.
        percent: whether values are shares, to be shown in percent.
        log: whether the axis of the values, none negative, is logarithmic;
            it begins with 0 where a value is 0.
    """
    curves = {k: np.asarray(v, "float64") for k, v in curves.items()}
    for index, (label, values) in enumerate(curves.items()):
        epochs = np.arange(1, len(values) + 1)
        axes.plot(
            epochs,
            values,
            label=label,
            color=COLOURS[_CYCLE[index % len(_CYCLE)]],
            linestyle="-" if index < len(_CYCLE) else "--",
            # A line of one point would not be seen.
            marker="o" if len(values) < 3 or np.isnan(values).any() else None,
            markersize=4 if len(values) < 3 else 2,
        )
    if best_epoch is not None:
        axes.axvline(best_epoch, color=COLOURS["muted"], lw=0.8, ls=":")
        axes.annotate(
            f"best: {best_epoch}",
            (best_epoch, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3 if axes.get_xlim()[1] > 1.5 * best_epoch else -3, -2),
            textcoords="offset points",
            ha="left" if axes.get_xlim()[1] > 1.5 * best_epoch else "right",
            va="top",
            color=COLOURS["muted"],
            fontsize=7,
        )
    if len(curves) > 1:
        _add_legend(axes, "best")
    if percent:
        axes.yaxis.set_major_formatter(_share_label)
    if log:
        _scale_by_powers(axes, np.concatenate([*curves.values()]))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    return axes


def _scale_by_powers(axes, values):
    """Makes the axis of the values logarithmic, from power to power of ten."""
    values = values[np.isfinite(values)]
    # Where all are 0, float32 would not see what is smaller than this.
    positive = values[values > 0] if (values > 0).any() else np.array([1e-8])
    # The powers next to the values, never a value itself.
    low = int(np.ceil(np.log10(positive.min()))) - 1
    high = int(np.floor(np.log10(positive.max()))) + 1
    powers = range(low, high + 1, -(-(high - low) // (_POWERS - 1)))
    ticks = {10.0**power: power_of_ten(power) for power in powers}
    if (values == 0).any():
        # A logarithm knows no 0: below the smallest power it is linear.
        axes.set_yscale("symlog", linthresh=10.0**low, linscale=0.5)
        axes.set_ylim(-(10.0 ** (low - 1)), 10.0**high)
        ticks = {0.0: "0", **ticks}
    else:
        axes.set_yscale("log")
        axes.set_ylim(10.0**low, 10.0**high)
    axes.set_yticks([*ticks], [*ticks.values()])
    axes.yaxis.set_minor_formatter(NullFormatter())


def power_of_ten(exponent):
    """A power of ten as text: 100, 0.01, 10⁻⁸."""
    if -3 <= exponent <= 3:
        return f"{10.0**exponent:g}"
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def _share_label(value, _):
    """A share in percent, with the decimals it needs; none beyond 0 and 1."""
    # Rounded: ticks are not exactly where they should be.
    value = round(100 * value, 6)
    return f"{value:g}%" if 0 <= value <= 100 else ""


def plot_confusion(axes, matrix, class_names):
    """Draws a confusion matrix; a row is a true class.

    Shade is the share of the row. Up to 30 classes the cells carry counts.

    Args:
        axes: matplotlib `Axes`, of a figure about 0.26 inches a class wide.
        matrix: counts `(classes, classes)`.
        class_names: list of str.
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
    names = [shorten(name) for name in class_names]
    axes.set_yticks(places, names)
    # Anchored at their ends, which stay at the axis in any font.
    axes.set_xticks(
        places,
        names,
        rotation=90,
        ha="right",
        va="center",
        rotation_mode="anchor",
    )
    for row, column in zip(*np.nonzero(matrix), strict=True):
        dark = shares[row, column] > 0.5
        axes.text(
            column + 0.5,
            row + 0.5,
            str(matrix[row, column]),
            ha="center",
            va="center",
            fontsize=6.5,
            color=COLOURS["surface" if dark else "ink"],
        )
    return axes


def plot_reliability(axes, bins):
    """Draws accuracy by confidence, and how many images each bin holds.

    Args:
        axes: matplotlib `Axes`.
        bins: of `keras_artkd.statistics.calibration_bins`.
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
    # Above: within, no corner is free of every curve.
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


def plot_per_class(axes, names, accuracies, counts):
    """Draws each class's accuracy with its interval, the best on top.

    Args:
        axes: matplotlib `Axes`, about 0.2 inches a class high.
        names: list of str.
        accuracies: shares; `None` for a class without images, left out.
        counts: images of each class.
    """
    known = [i for i, share in enumerate(accuracies) if share is not None]
    known.sort(key=lambda i: (accuracies[i], counts[i]))
    intervals = np.array(
        [share_interval(accuracies[i], counts[i]) for i in known]
    ).reshape(-1, 2)
    places = np.arange(len(known))
    axes.hlines(places, *intervals.T, color=COLOURS["grid"], lw=4)
    axes.plot(
        [accuracies[i] for i in known],
        places,
        "o",
        color=COLOURS["accent"],
        markersize=4,
    )
    axes.set_yticks(
        places, [f"{shorten(names[i])} ({counts[i]})" for i in known]
    )
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.7, len(known) - 0.3))
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("accuracy, with its 95 % interval")
    return axes


def plot_differences(axes, names, differences, intervals, width=32):
    """Draws differences of accuracy with their intervals, against zero.

    Args:
        axes: matplotlib `Axes`, about 0.3 inches a row high.
        names: list of str, top to bottom.
        differences: shares.
        intervals: `(low, high)` of each.
        width: int, letters of a name, at most.
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


def plot_rows(axes, names, rows):
    """Draws the values of each row as dots, and their mean as a large one.

    Args:
        axes: matplotlib `Axes`, about 0.25 inches a row high.
        names: list of str, top to bottom.
        rows: for each a list of shares, which may be empty.
    """
    places = np.arange(len(names))[::-1]
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
    axes.xaxis.set_major_formatter(_share_label)
    return axes


def _points_label(value, _):
    value = round(100 * value, 6)
    return f"{value:+g}" if value else "0"


def attention_overlay(pixels, attention):
    """Lays where a network looks over the picture.

    Args:
        pixels: uint8 `(height, width, 3)`.
        attention: `(rows, columns)`, not negative; enlarged smoothly.

    Returns:
        uint8 `(height, width, 3)`: the picture in grey, warm where attention
        is high.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    attention = np.maximum(np.asarray(attention, "float32"), 0)
    span = float(attention.max() - attention.min())
    heat = (attention - attention.min()) / span if span > 0 else 0 * attention
    enlarged = Image.fromarray(heat).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    heat = np.clip(np.asarray(enlarged), 0, 1)
    grey = np.asarray(Image.fromarray(pixels).convert("L"), "float32") / 255
    warm = matplotlib.colormaps["inferno"](heat)[..., :3]
    weight = 0.15 + 0.55 * heat[..., None]
    mixed = (1 - weight) * grey[..., None] + weight * warm
    return np.rint(255 * np.clip(mixed, 0, 1)).astype("uint8")


def _add_legend(axes, place):
    axes.legend(loc=place, frameon=False, fontsize=8, labelcolor=COLOURS["ink"])


def as_svg(figure, prefix, title):
    """Returns a figure as SVG to be put into a page.

    Text is text, colours are `var(--plot-<name>, <colour>)` for the names of
    `COLOURS`, and shades between surface and accent are `color-mix` of the
    two: a page in dark mode needs to set the variables alone.

    Args:
        figure: of `figure`.
        prefix: str, unique in the page: goes before every id.
        title: str, what the figure shows, for those who cannot see it.
    """
    stream = io.StringIO()
    style = {**_STYLE, "svg.hashsalt": prefix}
    with matplotlib.rc_context(style), _missing_glyphs_allowed():
        figure.savefig(
            stream,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None},
        )
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sid="([^"]+)"', rf' id="{prefix}-\1"', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    # The page's own font: it knows every script, and is no wider.
    svg = re.sub(r" font-family: [^;\"]*;?", "", svg)
    svg = re.sub(r"#[0-9a-f]{6}\b", _themed, svg)
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    label = title.replace("&", "&amp;").replace('"', "&quot;")
    label = label.replace("<", "&lt;")
    return f'{head} role="img" aria-label="{label}">{rest}'


def save_png(figure, path, dpi=200):
    """Writes a figure as PNG, on the surface's colour."""
    with _missing_glyphs_allowed():
        figure.savefig(
            path, format="png", dpi=dpi, facecolor=COLOURS["surface"]
        )


@contextlib.contextmanager
def _missing_glyphs_allowed():
    """A class name in a script without a font is no reason to warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def shorten(text, length=22):
    """A name that fits beside an axis; a dollar sign is only that."""
    text = " ".join(str(text).split())
    if len(text) > length:
        text = text[: length - 1].rstrip() + "…"
    return text.replace("$", r"\$")


def _themed(match):
    colour = match[0]
    for name, value in COLOURS.items():
        if colour == value:
            return f"var(--plot-{name}, {colour})"
    share = _share_of_accent(colour)
    if share is None:
        return colour
    return (
        f"color-mix(in srgb, var(--plot-accent, {COLOURS['accent']}) "
        f"{share:.0%}, var(--plot-surface, {COLOURS['surface']}))"
    )


def _share_of_accent(colour):
    """Where a colour lies between surface and accent, None if elsewhere."""
    start, end = (np.array(to_rgb(COLOURS[n])) for n in ("surface", "accent"))
    way = end - start
    share = float((np.array(to_rgb(colour)) - start) @ way / (way @ way))
    near = to_hex(np.clip(start + share * way, 0, 1))
    off = np.abs(np.array(to_rgb(near)) - np.array(to_rgb(colour))).max()
    return share if off < 2 / 255 and 0 <= share <= 1 else None
