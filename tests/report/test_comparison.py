import math
import re
import statistics

import numpy as np
import pytest

from keras_artkd.report import write_comparison
from keras_artkd.report.comparison import Entry, compare, seed_groups
from keras_artkd.report.measures import headline
from keras_artkd.report.run import read_run
from tests.report.runs import write_run
from tests.report.test_page import Page


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
    assert (result.difference, *result.interval) == (0, 0, 0)
    assert result.p_value == 1


def test_other_test_images_are_not_compared(entries):
    result = compare(entries[0], entries[-1])
    assert "other images" in result.reason
    assert result.difference is None


def test_seeds_give_mean_and_spread(runs, entries):
    (group,) = seed_groups(entries)
    assert [e.run.path.name for e in group.entries] == [
        "seed0",
        "seed1",
        "seed2",
    ]
    shares = [right(runs[f"seed{i}"]).mean() for i in range(3)]
    name, mean, spread = group.spreads[0]
    assert name == "Accuracy"
    assert mean == pytest.approx(statistics.fmean(shares))
    assert spread == pytest.approx(np.std(shares, ddof=1))


def test_page_says_it_all(runs, tmp_path):
    path = write_comparison([*runs.values()], tmp_path / "all.html")
    page = Page(path.read_text(encoding="utf-8"))
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
    again = write_comparison([*runs.values()], tmp_path / "again.html")
    assert again.read_bytes() == path.read_bytes()


def test_runs_of_other_classes_stand_side_by_side(runs, tmp_path):
    other = write_run(tmp_path / "two", 7, without=("predictions.npz",))
    path = write_comparison([runs["seed0"], other], tmp_path / "two.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert "2 not comparable: it knows other classes" in page.text
    assert "Accuracy of each class" not in page.text


@pytest.mark.parametrize("names", [[], ["seed0"], ["seed0", "seed0"]])
def test_needs_two_different_runs(runs, tmp_path, names):
    with pytest.raises(ValueError, match="at least two different runs"):
        write_comparison([runs[n] for n in names], tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()
