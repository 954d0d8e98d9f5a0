"""The figure of the weights of exits shows what attention can do, too."""

import numpy as np
import pytest

from keras_artkd.losses import exit_attention
from keras_artkd.report import plots
from keras_artkd.report.plot_exits import plot_exit_weights, weight_bounds


@pytest.mark.parametrize("exits", [1, 2, 3, 5])
def test_the_bounds_are_those_of_attention(exits):
    """Of an exit that agrees with the deepest where no other does, or alone
    does not."""
    alike, unlike = np.array([[60.0, 0.0]]), np.array([[0.0, 60.0]])
    most = exit_attention(alike, [alike] + [unlike] * (exits - 1), 1.0)
    least = exit_attention(alike, [unlike] + [alike] * (exits - 1), 1.0)
    bounds = weight_bounds(exits)
    np.testing.assert_allclose(
        bounds, [float(least[0, 0]), float(most[0, 0])], rtol=1e-6
    )
    if exits == 3:
        assert [round(bound, 4) for bound in bounds] == [0.1554, 0.5761]


def test_inert_attention_is_seen_to_be_inert():
    """Equal curves are all visible, on a scale that does not enlarge them."""
    noise = np.random.default_rng(0).normal(0, 1e-7, (3, 20))
    curves = {f"exit {i}": 1 / 3 + noise[i - 1] for i in (1, 2, 3)}
    _, axes = plots.figure()
    plot_exit_weights(axes, curves, best_epoch=12)
    assert axes.get_ylim() == (0, 1)
    *lines, best = axes.lines
    widths = [line.get_linewidth() for line in lines]
    assert widths[0] > widths[1] > widths[2] > best.get_linewidth()
    for line, values in zip(lines, curves.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), values)
    (band,) = axes.patches
    low, high = weight_bounds(3)
    np.testing.assert_allclose(
        band.get_extents().y0, axes.transData.transform((0, low))[1]
    )
    np.testing.assert_allclose(
        band.get_extents().y1, axes.transData.transform((0, high))[1]
    )


def test_a_single_exit_needs_no_legend():
    _, axes = plots.figure()
    plot_exit_weights(axes, {"exit 1": [1.0, 1.0]})
    assert axes.get_legend() is None
