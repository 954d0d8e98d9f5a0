"""The papers' tables: every one is a study, or is looked up."""

import pathlib
import re
import shlex

import pytest

from keras_artkd.cli.main import main
from keras_artkd.studies.descriptions import DESCRIBED, describe
from keras_artkd.studies.published import published_figures, published_tables
from keras_artkd.studies.registry import STUDIES, find_study, listing
from tests.report.runs import class_names, write_run

DOCS = pathlib.Path(__file__).parents[2] / "docs"


def rows_of(source):
    """The list of a source's tables and figures: keys, command, file."""
    text = (DOCS / f"{source}.md").read_text(encoding="utf-8")
    listed = text.partition("## Its tables and figures")[2]
    for line in listed.splitlines():
        if not re.match(r"\| (table|figure)s? \d", line):
            continue
        _, numbers, _, command, files, _ = line.split("|")
        mark = "fig" if "figure" in numbers else ""
        number = re.compile(r"(\d+)\.(\d+)(?: to \1\.(\d+))?")
        keys = [
            f"{source[-3:]}/{mark}{chapter}.{place}"
            for chapter, first, last in number.findall(numbers)
            for place in range(int(first), int(last or first) + 1)
        ]
        yield keys, command.strip(" `"), re.findall(r"`(\S+)`", files)


ROWS = [*rows_of("thesis_000")]
# The first two are a run's own page and one of pairs; the others repeat them.
REPORTED = [
    pytest.param(*row[1:], marks=[pytest.mark.exhaustive] * (number > 1))
    for number, row in enumerate(
        row for row in ROWS if row[1].startswith("artkd report")
    )
]


def test_every_table_is_there():
    tables = published_tables()
    assert len(tables) == 49
    assert {*tables} <= {*STUDIES} | {*DESCRIBED}
    assert not {*STUDIES} & {*DESCRIBED}
    assert all(key in listing() for key in tables)
    with pytest.raises(ValueError, match="Received: '000/4.31'. Perhaps"):
        find_study("000/4.31")


def test_every_table_and_figure_of_thesis_000_is_listed():
    """Once, with the command that repeats it, or why there is none."""
    listed = [key for keys, _, _ in ROWS for key in keys]
    printed = {*published_figures()} | {
        key for key in published_tables() if re.match(r"000/\d", key)
    }
    assert len(published_figures()) == 28
    assert sorted(listed) == sorted(printed)


@pytest.mark.parametrize(("keys", "command", "files"), ROWS)
def test_a_study_has_its_command(keys, command, files):
    """And what has none is no study."""
    _, kind, key, *_ = command.split()
    if kind == "study":
        assert key == keys[0]
        for each in {*keys} - {*DESCRIBED}:
            study = find_study(each)
            # Each is a study of its own number.
            assert each in (study.key, *study.also) and each in listing()
    else:
        drawn = kind in ("report", "samples")
        assert drawn or command.startswith("none: nothing is measured")
        for each in keys:
            with pytest.raises(ValueError, match="must be one of numbers"):
                find_study(each)


@pytest.mark.parametrize(("command", "files"), REPORTED)
def test_a_report_draws_the_figure(tmp_path, capsys, command, files):
    """Of a run whose classes have the names of the archives."""
    words = shlex.split(command)[1:]
    pair = [words[i + 1 : i + 3] for i, w in enumerate(words) if w == "--pair"]
    known = [f"05_{name}" for name in dict.fromkeys(sum(pair, []))]
    run = write_run(
        tmp_path / "run",
        names=known or class_names(3),
        images=60,
        epochs=2,
        skill=0.2,
    )
    words = [str(run) if word == "RUN" else word for word in words]
    assert main(words) == 0
    assert len(files) == max(1, len(pair))
    assert all((run / file).is_file() for file in files)
    page = (run / "report.html").read_text(encoding="utf-8")
    for first, second in pair:
        assert f"05 {first} taken for 05 {second}" in page
        assert f"05 {second} taken for 05 {first}" in page


def test_published_numbers_reach_their_cells():
    def published(key, name, dataset):
        cells = {cell.name: cell for cell in STUDIES[key].cells}
        return cells[name].published[dataset]

    paintings, photographs = "MultitaskPainting100k", "CIFAR-100"
    assert published("000/4.4", "alpha 1.5, beta 0.2", paintings) == 66.83
    assert published("000/4.4", "alpha 2.5, beta 0.1", paintings) == 64.88
    assert published("000/4.13", "+ initial teacher", paintings) == 64.71
    assert published("001/3", "VGG13 to VGG8: PR-DKD", photographs) == 75.33
    assert published("002/4.7", "SKDSAM+Cutout", "Tiny ImageNet") == 62.61
    assert published("002/4.12", "ResNet34: DIANet", photographs) == 77.1
    assert published("002/4.15", "T' = 2, T = 4", photographs) == 79.86
    # Every number of every table that is trained, once.
    for key, study in STUDIES.items():
        table = published_tables().get(key)
        if table is None or len(study.cells) == 1:
            continue
        shown = [v for c in study.cells for v in c.published.values()]
        printed = [
            value
            for row in table.rows
            for name, value in zip(table.columns, row, strict=True)
            if isinstance(value, float)
            and name not in ("beta", "delta", "lambda")
            and not name.startswith("d_")
        ]
        assert sorted(shown) == sorted(printed), key


def test_expected_order():
    """Of what a table is about, not of everything that it prints."""
    study = STUDIES["001/4"]
    pairs = study.expected_order("CIFAR-100")
    label = "ResNet50 to MobileNet-V2"
    assert (f"{label}: KD", f"{label}: PR-DKD") in pairs
    assert (f"{label}: PR-DKD", f"{label}: KD") not in pairs
    assert all("PR-DKD" in a + b for a, b in pairs)
    # Methods for different networks are not compared.
    assert all(a.split(":")[0] == b.split(":")[0] for a, b in pairs)
    # Where others are above, that is the paper's order too.
    published = {c.name: c.published.get("CIFAR-100") for c in study.cells}
    for lower, higher in pairs:
        assert published[lower] < published[higher]
    assert any("PR-DKD" in lower for lower, _ in pairs)
    claimed = STUDIES["000/4.6"].expected_order("Pandora18k")
    assert ("pearson", "plain Gram matrix") in claimed
    assert ("pearson", "cosine") in claimed
    # A grid: nothing is above its best.
    best = "alpha 1.5, beta 0.2"
    grid = STUDIES["000/4.4"].expected_order("MultitaskPainting100k")
    assert len(grid) == 24 and {higher for _, higher in grid} == {best}
    # An ablation: step by step.
    steps = STUDIES["000/4.13"].expected_order("MultitaskPainting100k")
    assert len(steps) == 4
    assert ("+ attention maps", "+ initial teacher") in steps
    others = STUDIES["002/4.8"].expected_order("CIFAR-100")
    assert ("cross_entropy", "SKDSAM") in others
    assert ("SKDSAM", "SKDSAM+Cutout") in others
    assert all("SKDSAM" in (a, b) for a, b in others)


@pytest.mark.parametrize("key", DESCRIBED)
def test_settings_are_looked_up(key):
    header, rows = describe(key)
    assert header[-1] == "here"
    assert all(len(row) == len(header) for row in rows)
    here = {row[0]: row[-1] for row in rows}
    assert any(here.values())
    if key == "000/4.9":
        for _, paper, counted in rows:
            # It mixes counts for several numbers of classes.
            assert abs(float(paper) - float(counted)) < 0.1
    elif key == "000/4.3":
        assert (here["epochs"], here["learning_rate"]) == ("200", "0.01")
