"""The papers' tables: every one is a study, or is looked up."""

import pytest

from keras_artkd.studies.descriptions import DESCRIBED, describe
from keras_artkd.studies.published import published_tables
from keras_artkd.studies.registry import STUDIES, find_study, listing


def test_every_table_and_figure_is_there():
    tables = published_tables()
    assert len(tables) == 49
    assert {*tables} <= {*STUDIES} | {*DESCRIBED}
    assert not {*STUDIES} & {*DESCRIBED}
    figures = [4, 5, 6, 8, 9, 10, 11, 12, 14]
    for key in [*tables, *(f"000/fig4.{number}" for number in figures)]:
        assert key in listing()
        if key not in DESCRIBED:
            study = find_study(key)
            assert key in (study.key, *study.also)
    with pytest.raises(ValueError, match="Received: '000/4.31'. Perhaps"):
        find_study("000/4.31")


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
