"""Figures as SVG and PNG, with names of any kind and in both themes."""

import re
import warnings
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from keras_artkd.report import plots
from keras_artkd.report.plot_confusion import plot_confusion
from keras_artkd.report.rendering import as_svg, save_png
from tests.report.pages import svg_texts

HOSTILE = ["浮世絵", 'a<b> & "c"', "$x$ and $y", "n" * 80, "two\nlines", ""]
CONFUSION = np.random.default_rng(0).integers(0, 5, (5, 5))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_any_kind(tmp_path, name):
    figure, axes = plots.figure(3, 3)
    plot_confusion(axes, CONFUSION[:2, :2], [name, "other"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = as_svg(figure, "p", f"Confusion of {name}")
        save_png(figure, tmp_path / "f.png", dpi=100)
    shown = " ".join(name.split())
    shown = shown if len(shown) <= 22 else shown[:21] + "…"
    assert not shown or shown in svg_texts(svg)
    assert Image.open(tmp_path / "f.png").size == (300, 300)


def test_svg_is_for_a_page():
    def draw(prefix):
        figure, axes = plots.figure()
        plot_confusion(axes, CONFUSION, list("abcde"))
        return as_svg(figure, prefix, "Title")

    svg = draw("one")
    assert svg == draw("one")
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img" and root.get("aria-label") == "Title"
    assert root.get("width") is None and root.get("viewBox")
    ids = set(re.findall(r'\sid="([^"]+)"', svg))
    assert all(name.startswith("one-") for name in ids)
    used = re.findall(r'(?:href="#|url\(#)([^")]+)', svg)
    assert set(used) <= ids
    # Every colour can be changed from outside.
    outside = re.sub(r"var\([^)]*\)", "", svg)
    assert not re.findall(r"#[0-9a-f]{6}", outside)
    assert "color-mix" in svg and "font-family" not in svg
