"""Mean predictions: their figures and tables show the numbers."""

import re

import numpy as np
import pytest

from keras_artkd.measure.metrics import softmax
from keras_artkd.report.figures import draw_run
from keras_artkd.report.predictions import (
    distillation_temperature,
    draw_matrices,
    draw_means,
    predictions,
    shades,
    shown_classes,
)
from keras_artkd.report.run import read_run
from tests.report.pages import draft, render
from tests.report.runs import write_run


def run_of(path, classes=4, **settings):
    without = ("gallery", "attention.npz", *settings.pop("without", ()))
    return write_run(path / "run", classes, without=without, **settings)


@pytest.mark.parametrize(
    ("options", "temperature"),
    [
        ({}, 1),
        ({"alpha": 0.9, "temperature": 4.0}, 4),
        ({"kd.temperature": 2.0, "rkd.weight": 1.0}, 2),
        ({"kd.temperature": 2.0, "dkd.temperature": 4.0}, 1),
    ],
)
def test_of_every_network_at_the_distillation_s_temperature(
    tmp_path, options, temperature
):
    run = read_run(run_of(tmp_path, options=options))
    assert distillation_temperature(run) == temperature
    found = predictions(run)
    assert [n.role for n in found] == ["student", "initial", "expert"]
    for network in found:
        expected = softmax(run.logits[network.role] / temperature)
        np.testing.assert_allclose(network.means, expected.mean(0))
        for label in range(4):
            own = expected[run.labels == label]
            np.testing.assert_allclose(network.matrix[label], own.mean(0))


def test_the_matrices_are_drawn_one_way_up(tmp_path):
    run = read_run(run_of(tmp_path))
    for networks in (predictions(run), predictions(run)[:2]):
        figure = draw_matrices(run, networks)
        assert len(figure.axes) == len(networks)
        for axes, network in zip(figure.axes, networks, strict=True):
            # Row 0 is on top.
            assert axes.yaxis_inverted()
            percents = np.rint(100 * network.matrix).astype(int)
            written = {
                tuple(int(p) for p in text.get_position()[::-1]): int(
                    text.get_text()
                )
                for text in axes.texts
            }
            assert written == {
                place: percents[place]
                for place in zip(*np.nonzero(percents), strict=True)
            }


def test_shades_go_from_the_least_to_the_largest(tmp_path):
    run = read_run(run_of(tmp_path, options={"temperature": 9.0}))
    networks = predictions(run)
    matrices = np.stack([network.matrix for network in networks])
    shaded = np.stack(shades(networks))
    assert shaded.min() == 0 and shaded.max() == 1
    span = matrices.max() - matrices.min()
    np.testing.assert_allclose(span * shaded + matrices.min(), matrices)


def test_means_are_beside_the_shares(tmp_path):
    run = read_run(run_of(tmp_path))
    networks = predictions(run)
    (axes,) = draw_means(run, networks).axes
    shares, *means = (line.get_xydata() for line in axes.lines)
    np.testing.assert_allclose(shares[:, 0], np.bincount(run.labels) / 80)
    assert shares[:, 1].tolist() == [3, 2, 1, 0]
    for line, network in zip(means, networks, strict=True):
        np.testing.assert_allclose(line[:, 0], network.means)


def test_the_page_has_every_mean(tmp_path):
    path = run_of(tmp_path, teachers=("expert",), options={"temperature": 2.0})
    source = render(path)
    tables = re.findall(r'<table class="matrix">.*?</table>', source, re.DOTALL)
    networks = predictions(read_run(path))
    assert len(tables) == 1 + len(networks)
    for table, network in zip(tables[1:], networks, strict=True):
        rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table)
        cells = [[int(c) for c in re.findall(r">(\d+)</td>", r)] for r in rows]
        np.testing.assert_allclose(cells, 100 * network.matrix, atol=0.5)
    assert "at temperature 2, as the student learned" in source
    assert "at temperature" not in draft(run_of(tmp_path / "one")).text


def test_of_many_classes_thirty_are_shown(tmp_path):
    run = read_run(run_of(tmp_path, 125, teachers=("expert",)))
    student, expert = networks = predictions(run)
    shares = np.bincount(run.labels, minlength=125) / len(run.labels)
    shown = shown_classes(shares, networks)
    gaps = np.abs(student.means - expert.means)
    assert len(shown) == 30 and (np.diff(shown) > 0).all()
    assert gaps[shown].min() >= np.delete(gaps, shown).max()
    alone = shown_classes(shares, networks[:1])
    gaps = np.abs(student.means - shares)
    assert gaps[alone].min() >= np.delete(gaps, alone).max()
    page = draft(run.path)
    assert "Of 125 classes, the thirty that differ most" in page.text
    assert not any(t.get("class") == "matrix" for t in page.all("table"))


def test_without_predictions_there_is_nothing(tmp_path):
    path = run_of(tmp_path, 2, images=12, without=("predictions.npz",))
    assert not any("predictions" in name for name in draw_run(read_run(path)))
    assert "predicts on average" not in draft(path).text
