import json
import math
import re
import shutil
import statistics

import numpy as np
import pytest
from PIL import Image

from keras_artkd.measure.confusions import confusion_matrix
from keras_artkd.measure.intervals import share_interval
from keras_artkd.report import write_comparison
from keras_artkd.report.comparison import (
    Entry,
    Incomparable,
    compare,
    seed_groups,
)
from keras_artkd.report.comparison_figures import draw_comparison
from keras_artkd.report.measures import headline
from keras_artkd.report.run import read_run
from tests.report.pages import read_page
from tests.report.runs import write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")

    def run(name, **options):
        return write_run(
            folder / name, 4, without=("gallery", "attention.npz"), **options
        )

    return {
        "baseline": run("baseline", teachers=(), method="baseline", skill=0.3),
        "seed0": run("seed0", seed=0),
        "seed1": run("seed1", seed=1),
        "seed2": run("seed2", seed=2),
        "elsewhere": run("elsewhere", test_seed=9),
    }


@pytest.fixture(scope="module")
def entries(runs):
    read = [read_run(path) for path in runs.values()]
    return [
        Entry(i, r.path.name, r, headline(r)) for i, r in enumerate(read, 1)
    ]


def right(path):
    arrays = np.load(path / "predictions.npz")
    return arrays["student"].argmax(1) == arrays["labels"]


def test_differences_are_paired(runs, entries):
    result = compare(entries[0], entries[1])
    before, after = right(runs["baseline"]), right(runs["seed0"])
    assert result.difference == pytest.approx(after.mean() - before.mean())
    assert result.gained == (after & ~before).sum()
    assert result.lost == (before & ~after).sum()
    low, high = result.interval
    assert low < result.difference < high
    # Two-sided binomial test, summed by hand.
    flips = int(result.gained + result.lost)
    few = min(result.gained, result.lost)
    tail = sum(math.comb(flips, k) for k in range(few + 1)) / 2**flips
    assert result.p_value == pytest.approx(min(1, 2 * tail))


def test_a_run_beside_itself_does_not_differ(entries):
    result = compare(entries[1], entries[1])
    assert (result.difference, result.interval, result.p_value) == (0, None, 1)


def test_no_interval_where_no_image_differs(runs, tmp_path):
    copy = shutil.copytree(runs["seed0"], tmp_path / "copy")
    path = write_comparison([runs["seed0"], copy], tmp_path / "same.html")
    page = read_page(path)
    assert "2 +0.0 no image differs 1.000 0 0" in page.text
    # Twice the same seed is no spread either.
    assert "Over seeds" not in page.text


def test_other_test_images_are_not_compared(entries):
    result = compare(entries[0], entries[-1])
    assert isinstance(result, Incomparable)
    assert "other images" in result.reason


def test_seeds_give_mean_and_spread(runs, entries):
    (group,) = seed_groups(entries)
    assert [e.run.path.name for e in group.entries] == [
        "seed0",
        "seed1",
        "seed2",
    ]
    # A copy of a seed would only make the spread look small.
    assert seed_groups([*entries, entries[1]]) == [group]
    shares = [right(runs[f"seed{i}"]).mean() for i in range(3)]
    name, mean, spread = group.spreads[0]
    assert name == "Accuracy"
    assert mean == pytest.approx(statistics.fmean(shares))
    assert spread == pytest.approx(np.std(shares, ddof=1))


def test_page_says_it_all(runs, tmp_path):
    path = write_comparison([*runs.values()], tmp_path / "all.html")
    page = read_page(path)
    for run in runs.values():
        assert f"{100 * right(run).mean():.1f}%" in page.text
    gains = right(runs["seed0"]).astype(int) - right(runs["baseline"])
    assert f"2 {100 * gains.mean():+.1f} " in page.text
    assert "5 not comparable: it was tested on other images" in page.text
    assert "cannot be ranked" in page.text
    assert "method baseline collaborative collaborative" in page.text
    assert "Runs 2, 3 and 4: collaborative" in page.text
    assert re.search(r"\d% ± \d", page.text)
    assert not page.all("script") and not page.all("img")
    figures = sorted((tmp_path / "all_figures").iterdir())
    source = path.read_text(encoding="utf-8")
    assert "PNG files beside it, in all_figures/." in source
    assert source.count("<svg") == len(figures)
    # None against cost: all are of one network.
    assert {f.stem for f in figures} == {
        *("accuracies", "confusion-2", "differences", "loss", "val-accuracy")
    }
    for file in figures:
        with Image.open(file) as image:
            assert image.format == "PNG" and min(image.size) > 200
    before = [f.read_bytes() for f in (path, *figures)]
    write_comparison([*runs.values()], path)
    assert [f.read_bytes() for f in (path, *figures)] == before


def test_accuracies_are_drawn_with_seeds_together(entries):
    """In one row with their mean; what has other test images is left out."""
    drawing = draw_comparison(entries, [])["accuracies"]
    (axes,) = drawing.figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["run 1: baseline", "runs 2, 3, 4: collaborative"]
    shares = [right(entry.run.path).mean() for entry in entries]
    first, seeds, mean = axes.lines
    assert first.get_xdata() == pytest.approx(shares[:1])
    assert seeds.get_xdata() == pytest.approx(shares[1:4])
    assert mean.get_xdata() == pytest.approx(np.mean(shares[1:4]))
    images = len(right(entries[0].run.path))
    (low, high), _ = axes.collections[0].get_segments()
    assert (low[0], high[0]) == share_interval(shares[0], images)
    assert f"run 1: baseline {shares[0]:.1%}" in drawing.caption
    assert "accuracies" not in draw_comparison([entries[0], entries[-1]], [])


def test_confusions_of_seeds_are_averaged(entries):
    drawing = draw_comparison(entries, [])["confusion-2"]
    rows = []
    for entry in entries[1:4]:
        matrix = confusion_matrix(entry.run.metrics["test"])
        rows.append(matrix / matrix.sum(1, keepdims=True))
    expected = np.rint(100 * np.mean(rows, axis=0)).astype(int)
    written = np.zeros_like(expected)
    for text in drawing.figure.axes[0].texts:
        column, row = (int(place) for place in text.get_position())
        written[row, column] = int(text.get_text())
    np.testing.assert_array_equal(written, expected)
    assert "mean of runs 2, 3, 4" in drawing.caption


def test_attention_of_exits_stands_beside(runs, tmp_path):
    without = ("gallery", "attention.npz")
    others = [
        write_run(
            tmp_path / name,
            4,
            without=without,
            method="skdsam",
            logged={"skdsam_spread": [0.5, value]},
        )
        for name, value in (("paper", 1.24e-8), ("cosine", 0.043))
    ]
    path = tmp_path / "page.html"
    write_comparison([runs["seed0"], *others], path)
    text = read_page(path).text
    table = text[text.index("Attention spread, last epoch") :]
    assert re.match(
        r"\D+ 2 skdsam, \S+ seed 0 skdsam 1\.2 × 10⁻⁸ "
        r"3 skdsam, \S+ seed 0 skdsam 0\.043 Classes",
        table,
    )
    write_comparison([runs["seed0"], runs["seed1"]], path)
    assert "Attention spread" not in path.read_text(encoding="utf-8")


def test_figures_take_the_place_of_nothing_else(runs, tmp_path):
    both = [runs["seed0"], runs["seed1"]]
    (tmp_path / "thesis_figures").mkdir()
    (tmp_path / "thesis_figures" / "plan.png").write_text("of years")
    with pytest.raises(ValueError, match=r"holds plan\.png.*Fix: "):
        write_comparison(both, tmp_path / "thesis.html")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis_figures"]


def test_runs_of_other_classes_stand_side_by_side(runs, tmp_path):
    other = write_run(tmp_path / "two", 7, without=("predictions.npz",))
    path = write_comparison([runs["seed0"], other], tmp_path / "two.html")
    page = read_page(path)
    assert "2 not comparable: it knows other classes" in page.text
    assert "Accuracy of each class" not in page.text


@pytest.mark.parametrize("names", [[], ["seed0"], ["seed0", "seed0"]])
def test_needs_two_different_runs(runs, tmp_path, names):
    with pytest.raises(ValueError, match="at least two different runs"):
        write_comparison([runs[n] for n in names], tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()


def test_networks_of_different_sizes_are_drawn_against_cost(tmp_path):
    """Accuracy of the int8 files against their size and their time."""
    costs = {"small": (100, 0.4), "large": (400, 1.2)}
    folders = []
    for name, (kib, milliseconds) in costs.items():
        folder = write_run(tmp_path / name, student=name)
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["exports"]["tflite_int8"] |= {
            "size_bytes": 1024 * kib,
            "milliseconds": milliseconds,
            "accuracy": 0.5,
        }
        (folder / "metrics.json").write_text(json.dumps(metrics))
        folders.append(folder)
    path = write_comparison(folders, tmp_path / "sizes.html")
    source = path.read_text(encoding="utf-8")
    assert "run 1 50.0%, 100, run 2 50.0%, 400" in source
    assert "run 1 50.0%, 0.4, run 2 50.0%, 1.2" in source
    assert source.count("run 1 50.0%, 100") == 1
    assert "same test images: run 1: collaborative, small" in source
    figures = tmp_path / "sizes_figures"
    assert {"sizes", "speeds"} <= {f.stem for f in figures.iterdir()}
    # Accuracies on other images would not be a matter of cost.
    data = json.loads((folder / "data.json").read_text())
    data["fingerprint"] = "another"
    (folder / "data.json").write_text(json.dumps(data))
    write_comparison(folders, path)
    assert not {"sizes", "speeds"} & {f.stem for f in figures.iterdir()}
