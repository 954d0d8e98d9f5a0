"""Figures show the numbers they were given."""

import warnings

import numpy as np
import pytest

from keras_artkd.measure.intervals import calibration_bins, wilson_interval
from keras_artkd.report import plots
from keras_artkd.report.plot_confusion import plot_confusion
from keras_artkd.report.rendering import as_svg
from keras_artkd.report.style import COLOURS
from tests.report.pages import svg_texts


def confusion(classes):
    return np.random.default_rng(0).integers(0, 5, (classes, classes))


def test_curves_are_the_values():
    _, axes = plots.figure()
    plots.plot_curves(
        axes, {"a": [3.0, 1.0, 2.0], "b": [1, 2, 3]}, best_epoch=2
    )
    first, second, best = axes.lines
    np.testing.assert_array_equal(first.get_xydata(), [[1, 3], [2, 1], [3, 2]])
    np.testing.assert_array_equal(second.get_ydata(), [1, 2, 3])
    assert best.get_xdata() == [2, 2]


def test_one_epoch_is_seen():
    _, axes = plots.figure()
    plots.plot_curves(axes, {"loss": [2.0]}, best_epoch=1)
    assert axes.lines[0].get_marker() == "o"


@pytest.mark.parametrize("share", [0.0, 0.2, 0.995, 1.0])
@pytest.mark.parametrize("spread", [0.0, 0.0004, 0.07, 0.5])
def test_no_two_ticks_of_shares_read_alike(share, spread):
    figure, axes = plots.figure(3.3, 2.2)
    values = np.clip([share, share + spread, share - spread], 0, 1)
    plots.plot_curves(axes, {"a": values[: 1 + 2 * (spread > 0)]}, percent=True)
    figure.draw_without_rendering()
    ticks = axes.yaxis.get_majorticklocs()
    labels = [t.get_text() for t in axes.yaxis.get_majorticklabels()]
    shown = [
        (tick, float(label[:-1]))
        for tick, label in zip(ticks, labels, strict=True)
        if label
    ]
    assert len(shown) >= 2
    assert len({label for _, label in shown}) == len(shown)
    for tick, label in shown:
        assert label == pytest.approx(100 * tick, abs=1e-5)
        assert 0 <= label <= 100


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1.2e-8, 3e-8], ["10⁻⁸", "10⁻⁷"]),
        ([1e-8], ["10⁻⁹", "10⁻⁸", "10⁻⁷"]),
        ([0.02, 0.5], ["0.01", "0.1", "1"]),
        ([2e-8, 0.0, 0.05], ["0", "10⁻⁸", "10⁻⁶", "10⁻⁴", "0.01"]),
        ([0.0, 0.0], ["0", "10⁻⁹", "10⁻⁸", "10⁻⁷"]),
        ([float("nan"), 2e-8], ["10⁻⁸", "10⁻⁷"]),
    ],
)
def test_a_logarithmic_axis_holds_every_value(values, labels):
    figure, axes = plots.figure(3.3, 2.2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.plot_curves(axes, {"a": values}, log=True)
        shown = svg_texts(as_svg(figure, "p", "Title"))
    ticks = [t.get_text() for t in axes.yaxis.get_majorticklabels()]
    assert ticks == labels and {*labels} <= {*shown}
    # Where values lie between the ends of the axis, 0 and 1.
    to_share = axes.transData + axes.transAxes.inverted()
    heights = to_share.transform([(1, value) for value in values])[:, 1]
    heights = heights[np.isfinite(values)]
    assert (heights > 0).all() and (heights < 1).all()
    assert axes.get_yscale() == ("symlog" if 0.0 in values else "log")


@pytest.mark.parametrize("classes", [2, 18, 27])
def test_confusion_writes_every_count(classes):
    figure, axes = plots.figure(0.26 * classes + 2, 0.26 * classes + 2)
    matrix = confusion(classes)
    plot_confusion(axes, matrix, [f"class {i}" for i in range(classes)])
    written = sorted(int(text.get_text()) for text in axes.texts)
    assert written == sorted(matrix[matrix > 0].tolist())
    for text in axes.texts:
        column, row = (int(place) for place in text.get_position())
        assert int(text.get_text()) == matrix[row, column]
    # Row 0 is on top.
    assert axes.yaxis_inverted()


def test_confusion_in_percent_of_the_row():
    _, axes = plots.figure(3, 3)
    matrix = [[60, 20, 0], [1, 998, 1], [0, 0, 0]]
    plot_confusion(axes, matrix, ["a", "b", "c"], percent=True)
    written = {
        tuple(int(p) for p in text.get_position()): text.get_text()
        for text in axes.texts
    }
    # Column and row; what is rounded to 0 is left out.
    assert written == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}


def test_large_confusion_is_shades_alone():
    _, axes = plots.figure()
    plot_confusion(axes, confusion(125), ["x"] * 125)
    assert not axes.texts


def test_reliability():
    random = np.random.default_rng(0)
    labels, logits = (
        random.integers(0, 4, 100),
        3 * random.normal(size=(100, 4)),
    )
    bins = calibration_bins(labels, logits)
    _, axes = plots.figure()
    plots.plot_reliability(axes, bins)
    used = bins["count"] > 0
    np.testing.assert_allclose(
        axes.lines[-1].get_xydata(),
        np.stack([bins["confidence"], bins["accuracy"]], axis=1)[used],
    )
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, bins["count"] / 100)


def test_per_class_is_sorted_with_intervals():
    _, axes = plots.figure()
    plots.plot_per_class(axes, ["a", "b", "c"], [0.5, None, 0.25], [4, 0, 8])
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0.25, 0.5])
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["c (8)", "a (4)"]
    (low, high), _ = axes.collections[0].get_segments()
    assert (low[0], high[0]) == pytest.approx(wilson_interval(2, 8))


def test_rows_are_seeds_with_their_mean_and_interval():
    _, axes = plots.figure()
    rows = [[0.5, 0.7], [0.4]]
    plots.plot_rows(axes, ["a", "b"], rows, [(0.45, 0.75), (0.3, 0.5)])
    means = [line.get_xdata()[0] for line in axes.lines[1:]]
    assert means == pytest.approx([0.6, 0.4])
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), rows[0])
    ends = [
        [point[0] for point in segment]
        for segment in axes.collections[0].get_segments()
    ]
    assert ends == [[0.45, 0.75], [0.3, 0.5]]


def test_differences_are_coloured_by_what_is_sure():
    _, axes = plots.figure()
    plots.plot_differences(
        axes,
        ["up", "down", "who knows"],
        [0.1, -0.1, 0.0],
        [(0.05, 0.15), (-0.15, -0.05), (-0.1, 0.1)],
    )
    colours = [line.get_color() for line in axes.lines[1:]]
    assert colours == [COLOURS[c] for c in ("good", "bad", "muted")]


def test_small_differences_have_ticks_of_their_own():
    figure, axes = plots.figure(3.6, 1.2)
    plots.plot_differences(axes, ["a"], [0.004], [(-0.004, 0.012)])
    figure.draw_without_rendering()
    labels = [t.get_text() for t in axes.xaxis.get_majorticklabels()]
    assert len({*labels}) == len(labels) > 2
    assert "0" in [label.lstrip("+") for label in labels]
