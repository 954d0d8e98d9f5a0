"""The page that puts several runs side by side."""

import dataclasses
import statistics

import numpy as np

from keras_artkd import plots
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
from keras_artkd.statistics import (
    mcnemar,
    paired_difference,
    share_interval,
)

# Settings that tell nothing of what was trained.
_INCIDENTAL = {"workdir", "resume", "ablation", "exports", "licence"}
# Column of the history -> title of its figure.
_CURVES = {
    "val_accuracy": "Accuracy, validation",
    "loss": "Loss, training",
}
# All that `draw_comparison` may draw.
FIGURES = {"differences", "val-accuracy", "loss"}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One of the compared runs.

    Attributes:
        number: int, from 1.
        name: str, method, student and seed.
        run: `Run`.
        measures: list of `Measure`.
    """

    number: int
    name: str
    run: Run
    measures: list[Measure]


@dataclasses.dataclass(frozen=True)
class Difference:
    """A run beside the first, on the same test images.

    Attributes:
        entry: `Entry`.
        reason: str, why they cannot be compared; "" if they can.
        difference: float, its accuracy less the first's, a share.
        interval: `(low, high)` of it, 95 %; None where no image differs:
            drawing them again tells nothing then.
        p_value: float, of McNemar's exact test.
        gained, lost: int, images that it alone, the first alone has right.
    """

    entry: Entry
    reason: str = ""
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    gained: int | None = None
    lost: int | None = None


@dataclasses.dataclass(frozen=True)
class Seeds:
    """Runs that differ in their seed alone.

    Attributes:
        entries: at least two of `Entry`, each of another seed.
        spreads: list of `(measure's name, mean, standard deviation)`.
    """

    entries: list[Entry]
    spreads: list[tuple[str, float, float]]


def line_up(runs):
    """Returns the list of `Entry` and that of `Difference` from the first."""
    entries = [
        Entry(number, _name(run), run, headline(run))
        for number, run in enumerate(runs, 1)
    ]
    return entries, [compare(entries[0], entry) for entry in entries[1:]]


def draw_comparison(entries, differences):
    """Returns dict of name -> `Drawing`, see `line_up`."""
    drawings = [*_draw_differences(differences), *_draw_training(entries)]
    return {drawing.name: drawing for drawing in drawings}


def comparison_page(entries, differences, drawings, figures):
    """Returns the HTML of a comparison.

    Args:
        entries: of `line_up`.
        differences: of `line_up`.
        drawings: of `draw_comparison`.
        figures: name of the folder beside the page that they are saved in.
    """
    return (
        environment()
        .get_template("comparison.html")
        .render(
            entries=entries,
            best=max(entries, key=lambda e: e.run.metrics["test"]["accuracy"]),
            same_data=all(
                _same_images(entries[0].run, entry.run) for entry in entries
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


def compare(first, entry):
    """Compares a run with the first, as `Difference`."""
    reason = _incomparable(first.run, entry.run)
    if reason:
        return Difference(entry, reason)
    before, after = first.run.correct(), entry.run.correct()
    difference, *interval = paired_difference(before, after)
    return Difference(
        entry=entry,
        difference=difference,
        interval=tuple(interval) if (before != after).any() else None,
        p_value=mcnemar(before, after),
        gained=int((after & ~before).sum()),
        lost=int((before & ~after).sum()),
    )


def seed_groups(entries):
    """Returns list of `Seeds`, of the runs that differ in their seed alone.

    Of several runs of one seed the first counts: copies have no spread.
    """
    groups = {}
    for entry in entries:
        group = groups.setdefault(_identity(entry.run), {})
        group.setdefault(entry.run.config["seed"], entry)
    return [
        Seeds([*group.values()], _spreads([*group.values()]))
        for group in groups.values()
        if len(group) > 1
    ]


def _name(run):
    config = run.config
    return f"{config['method']}, {config['student']}, seed {config['seed']}"


def _incomparable(first, other):
    """Why two runs cannot be compared image by image, "" if they can."""
    if not _same_images(first, other):
        return "not comparable: it was tested on other images"
    if first.class_names != other.class_names:
        return "not comparable: it knows other classes"
    if not first.logits or not other.logits:
        return "not compared: a run kept no predictions.npz"
    if not np.array_equal(first.keys, other.keys):
        return "not comparable: its test images are in another order"
    return ""


def _same_images(first, other):
    """Whether both noted what they were tested on, and it is the same."""
    fingerprint = first.data.get("fingerprint")
    return fingerprint is not None and (
        fingerprint == other.data.get("fingerprint")
    )


def _identity(run):
    config = {
        key: value
        for key, value in run.config.items()
        if key not in _INCIDENTAL | {"seed"}
    }
    return repr((sorted(config.items()), run.data.get("fingerprint")))


def _spreads(group):
    values = {}
    for entry in group:
        for measure in entry.measures:
            values.setdefault(measure.name, []).append(measure.value)
    return [
        (name, statistics.fmean(shares), statistics.stdev(shares))
        for name, shares in values.items()
        if len(shares) == len(group)
    ]


def _headings(entries):
    """The measures that any run has: key -> name, in their order."""
    return {m.key: m.name for entry in entries for m in entry.measures}


def _draw_differences(differences):
    known = [d for d in differences if not d.reason]
    if not known:
        return
    figure, axes = plots.figure(3.6, 0.8 + 0.32 * len(known))
    plots.plot_differences(
        axes,
        [f"run {d.entry.number}" for d in known],
        [d.difference for d in known],
        [d.interval or (0.0, 0.0) for d in known],
    )
    yield Drawing(
        "differences",
        "Difference of accuracy from run 1: "
        + ", ".join(
            f"run {d.entry.number} {100 * d.difference:+.1f} points"
            for d in known
        ),
        figure,
    )


def _draw_training(entries):
    """One panel for the validation accuracy, one for the loss."""
    for name, title in _CURVES.items():
        curves = {
            f"run {entry.number}": entry.run.history[name]
            for entry in entries
            if entry.run.history.get(name)
        }
        if curves:
            figure, axes = plots.figure(3.3, 2.4)
            plots.plot_curves(axes, curves, percent=name == "val_accuracy")
            axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
            caption = f"{title} by epoch, of {', '.join(curves)}"
            yield Drawing(name.replace("_", "-"), caption, figure)


def _class_rows(entries):
    """Accuracy by class and run, where all know the same classes.

    Of many classes only those that the runs differ most in.

    Returns:
        list of `(name, list of (accuracy or None, interval or None))`.
    """
    names = entries[0].run.class_names
    if any(entry.run.class_names != names for entry in entries):
        return []
    columns = [entry.run.metrics["test"]["per_class"] for entry in entries]
    rows = []
    for name, cells in zip(names, zip(*columns, strict=True), strict=True):
        rows.append(
            (
                name,
                [
                    (c["accuracy"], share_interval(c["accuracy"], c["count"]))
                    if c["count"]
                    else (None, None)
                    for c in cells
                ],
            )
        )
    if len(rows) > MATRIX_CLASSES:
        rows.sort(key=lambda row: -_range(row[1]))
        rows = rows[:MATRIX_CLASSES]
    return rows


def _range(cells):
    shares = [share for share, _ in cells if share is not None]
    return max(shares) - min(shares) if shares else 0.0


def _differing_settings(entries):
    """Settings that are not the same in all runs: `(name, values)`."""
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
