"""The HTML page that compares several runs."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_artkd.measure.intervals import (
    mcnemar,
    paired_difference,
    share_interval,
)
from keras_artkd.report.figures import Drawing
from keras_artkd.report.measures import (
    Measure,
    attention_spreads,
    headline,
)
from keras_artkd.report.page import (
    MATRIX_CLASSES,
    environment,
    files,
    networks,
    settings,
)
from keras_artkd.report.run import Run

# Settings that do not change the training.
_INCIDENTAL = {"workdir", "resume", "ablation", "exports", "licence"}
# The accuracy of a class and its interval; None without test images.
_Cell = tuple[float | None, tuple[float, float] | None]


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """One of the compared runs.

    Attributes:
        number: counted from 1.
        name: method, student and seed.
        run: the run itself.
        measures: its numbers of the test split.
    """

    number: int
    name: str
    run: Run
    measures: list[Measure]


@dataclasses.dataclass(frozen=True)
class Difference:
    """A run compared with the first, on the same test images.

    Attributes:
        entry: the run.
        difference: its accuracy minus the first's, a share.
        interval: `(low, high)` of it, 95 %; None if no image differs, because
            drawing images again tells nothing then.
        p_value: of McNemar's exact test.
        gained: the number of images that only this run has right.
        lost: the number of images that only the first has right.
    """

    entry: Entry
    difference: float
    interval: tuple[float, float] | None
    p_value: float
    gained: int
    lost: int


@dataclasses.dataclass(frozen=True)
class Incomparable:
    """A run that cannot be compared with the first.

    Attributes:
        entry: the run.
        reason: why it cannot be compared.
    """

    entry: Entry
    reason: str


@dataclasses.dataclass(frozen=True)
class Seeds:
    """Runs that differ only in their seed.

    Attributes:
        entries: at least two runs, each with another seed.
        spreads: name of a measure, its mean and standard deviation.
    """

    entries: list[Entry]
    spreads: list[tuple[str, float, float]]


def line_up(
    runs: Sequence[Run],
) -> tuple[list[Entry], list[Difference | Incomparable]]:
    """Returns an entry for each run, and the differences from the first."""
    entries = [
        Entry(number, _name(run), run, headline(run))
        for number, run in enumerate(runs, 1)
    ]
    return entries, [compare(entries[0], entry) for entry in entries[1:]]


def comparison_page(
    entries: Sequence[Entry],
    differences: Sequence[Difference | Incomparable],
    drawings: Mapping[str, Drawing],
    figures: str,
) -> str:
    """Returns the HTML of a comparison.

    Args:
        entries: of `line_up`.
        differences: of `line_up`.
        drawings: of `comparison_figures.draw_comparison`.
        figures: name of their folder, which is beside the page.
    """
    return (
        environment()
        .get_template("comparison.html")
        .render(
            entries=entries,
            best=max(entries, key=lambda e: e.run.metrics["test"]["accuracy"]),
            same_data=all(
                same_images(entries[0].run, entry.run) for entry in entries
            ),
            headings=_headings(entries),
            differences=differences,
            drawings=drawings,
            figures=figures,
            seeds=seed_groups(entries),
            spreads=[
                (entry, spread)
                for entry in entries
                for spread in attention_spreads(entry.run)
            ],
            classes=_class_rows(entries),
            costs=[
                (entry, networks(entry.run)[0], files(entry.run))
                for entry in entries
            ],
            settings=_differing_settings(entries),
        )
    )


def compare(first: Entry, entry: Entry) -> Difference | Incomparable:
    """Compares a run with the first."""
    reason = _incomparable(first.run, entry.run)
    if reason:
        return Incomparable(entry, reason)
    before, after = first.run.correct(), entry.run.correct()
    difference, low, high = paired_difference(before, after)
    return Difference(
        entry=entry,
        difference=difference,
        interval=(low, high) if (before != after).any() else None,
        p_value=mcnemar(before, after),
        gained=int((after & ~before).sum()),
        lost=int((before & ~after).sum()),
    )


def seed_groups(entries: Sequence[Entry]) -> list[Seeds]:
    """Groups the runs that differ only in their seed.

    Only the first run of each seed counts: copies have no spread.
    """
    groups: dict[str, dict[int, Entry]] = {}
    for entry in entries:
        group = groups.setdefault(_identity(entry.run), {})
        group.setdefault(entry.run.config["seed"], entry)
    return [
        Seeds([*group.values()], _spreads([*group.values()]))
        for group in groups.values()
        if len(group) > 1
    ]


def _name(run: Run) -> str:
    config = run.config
    return f"{config['method']}, {config['student']}, seed {config['seed']}"


def _incomparable(first: Run, other: Run) -> str:
    """Why two runs cannot be compared image by image; empty if they can."""
    if not same_images(first, other):
        return "not comparable: it was tested on other images"
    if first.class_names != other.class_names:
        return "not comparable: it knows other classes"
    if not first.logits or not other.logits:
        return "not compared: a run kept no predictions.npz"
    if not np.array_equal(first.keys, other.keys):
        return "not comparable: its test images are in another order"
    return ""


def same_images(first: Run, other: Run) -> bool:
    """Whether both runs wrote which images they used, and these are equal."""
    fingerprint = first.data.get("fingerprint")
    return fingerprint is not None and (
        fingerprint == other.data.get("fingerprint")
    )


def _identity(run: Run) -> str:
    config = {
        key: value
        for key, value in run.config.items()
        if key not in _INCIDENTAL | {"seed"}
    }
    return repr((sorted(config.items()), run.data.get("fingerprint")))


def _spreads(group: Sequence[Entry]) -> list[tuple[str, float, float]]:
    values: dict[str, list[float]] = {}
    for entry in group:
        for measure in entry.measures:
            values.setdefault(measure.name, []).append(measure.value)
    return [
        (name, statistics.fmean(shares), statistics.stdev(shares))
        for name, shares in values.items()
        if len(shares) == len(group)
    ]


def _headings(entries: Sequence[Entry]) -> dict[str, str]:
    """The measures of all runs: key -> name, in their order."""
    return {m.key: m.name for entry in entries for m in entry.measures}


def _class_rows(entries: Sequence[Entry]) -> list[tuple[str, list[_Cell]]]:
    """Accuracy by class and run, if all runs have the same classes.

    Of many classes only those with the largest differences.

    Returns:
        The name of each class, and its accuracy and interval in each run.
    """
    names = entries[0].run.class_names
    if any(entry.run.class_names != names for entry in entries):
        return []
    columns = [entry.run.metrics["test"]["per_class"] for entry in entries]
    rows = [
        (name, [_class_cell(result) for result in results])
        for name, results in zip(names, zip(*columns, strict=True), strict=True)
    ]
    if len(rows) > MATRIX_CLASSES:
        rows.sort(key=lambda row: -_range(row[1]))
        rows = rows[:MATRIX_CLASSES]
    return rows


def _class_cell(result: dict[str, Any]) -> _Cell:
    share, count = result["accuracy"], result["count"]
    return (share, share_interval(share, count)) if count else (None, None)


def _range(cells: Sequence[_Cell]) -> float:
    shares = [share for share, _ in cells if share is not None]
    return max(shares) - min(shares) if shares else 0.0


def _differing_settings(
    entries: Sequence[Entry],
) -> list[tuple[str, list[str]]]:
    """The settings that differ between runs: their names and values."""
    columns = [
        dict(
            settings(
                {
                    key: value
                    for key, value in entry.run.config.items()
                    if key not in _INCIDENTAL
                }
            )
        )
        for entry in entries
    ]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [(name, [c.get(name, "–") for c in columns]) for name in names]
    return [row for row in rows if len({*row[1]}) > 1]
