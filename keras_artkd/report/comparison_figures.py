"""The figures of the page that compares several runs."""

import re
import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from keras_artkd.measure.confusions import confusion_matrix
from keras_artkd.measure.intervals import share_interval
from keras_artkd.report import plots
from keras_artkd.report.comparison import (
    Difference,
    Entry,
    Incomparable,
    same_images,
    seed_groups,
)
from keras_artkd.report.figures import Drawing
from keras_artkd.report.plot_confusion import (
    DRAWN_CLASSES,
    confusion_figure,
)
from keras_artkd.report.plot_costs import Costed, plot_costs
from keras_artkd.report.text import display_name

# Column of the history -> title of its figure.
_CURVES = {
    "val_accuracy": "Accuracy, validation",
    "loss": "Loss, training",
}
# The names of all possible drawings of `draw_comparison`.
FIGURES = re.compile(
    r"accuracies|sizes|speeds|differences|val-accuracy|loss|confusion-\d+"
)


def draw_comparison(
    entries: Sequence[Entry], differences: Sequence[Difference | Incomparable]
) -> dict[str, Drawing]:
    """Returns the figures by name, see `line_up` for the arguments."""
    drawings = [
        *_draw_accuracies(entries),
        *_draw_costs(entries),
        *_draw_differences(differences),
        *_draw_training(entries),
        *_draw_confusions(entries),
    ]
    return {drawing.name: drawing for drawing in drawings}


def _draw_accuracies(entries: Sequence[Entry]) -> Iterator[Drawing]:
    """A row for each run; for those that differ only in their seed, one."""
    # Of other images, accuracies are not comparable.
    alike = [e for e in entries if same_images(entries[0].run, e.run)]
    if len(alike) < 2:
        return
    groups = [group.entries for group in seed_groups(alike)]
    several = {entry for group in groups for entry in group}
    groups += [[entry] for entry in alike if entry not in several]
    groups.sort(key=lambda group: group[0].number)
    rows = [[e.run.metrics["test"]["accuracy"] for e in g] for g in groups]
    means = [statistics.fmean(row) for row in rows]
    images = alike[0].run.metrics["test"]["num_examples"]
    students = len({entry.run.config["student"] for entry in alike})
    names = [_row_name(group, students > 1) for group in groups]
    figure, axes = plots.figure(4.8, 0.8 + 0.26 * len(rows))
    plots.plot_rows(
        axes, names, rows, [share_interval(mean, images) for mean in means]
    )
    axes.set_xlabel(plots.ROWS_LABEL)
    caption = "Accuracy on the same test images: " + ", ".join(
        f"{name} {mean:.1%}" for name, mean in zip(names, means, strict=True)
    )
    yield Drawing("accuracies", caption, figure)


def _row_name(entries: Sequence[Entry], with_student: bool) -> str:
    config = entries[0].run.config
    numbers = ", ".join(str(entry.number) for entry in entries)
    student = f", {config['student']}" if with_student else ""
    runs = "runs" if len(entries) > 1 else "run"
    return f"{runs} {numbers}: {config['method']}{student}"


def _draw_confusions(entries: Sequence[Entry]) -> Iterator[Drawing]:
    """Of runs that differ only in their seed, the mean of their matrices."""
    for group in seed_groups(entries):
        runs = [entry.run for entry in group.entries]
        if len(runs[0].class_names) > DRAWN_CLASSES:
            continue
        # They have the same test images, so the mean of shares is that of sums.
        matrices = [confusion_matrix(run.metrics["test"]) for run in runs]
        names = [display_name(name) for name in runs[0].class_names]
        numbers = ", ".join(str(entry.number) for entry in group.entries)
        yield Drawing(
            f"confusion-{group.entries[0].number}",
            f"Confusion matrix, mean of runs {numbers}: of the test images of "
            "a row's class the percentage that was classified as the column's.",
            confusion_figure(np.sum(matrices, axis=0), names, percent=True),
        )


def _draw_costs(entries: Sequence[Entry]) -> Iterator[Drawing]:
    """Accuracy against what a file costs: of each run its int8 file."""
    files_of = {
        entry: entry.run.metrics.get("exports", {}).get("tflite_int8")
        for entry in entries
    }
    known = {entry: file for entry, file in files_of.items() if file}
    if len({entry.run.config["student"] for entry in known}) < 2:
        return
    first = next(iter(known))
    if not all(same_images(first.run, entry.run) for entry in known):
        # Of other images, accuracies are no matter of cost.
        return
    for name, key, unit, label in (
        ("sizes", "size_bytes", 1024, "Size of the int8 file, KiB"),
        ("speeds", "milliseconds", 1, "One image here, int8, ms"),
    ):
        figure, axes = plots.figure(3.6, 2.6)
        networks = [
            Costed(
                f"run {entry.number}",
                file[key] / unit,
                file["accuracy"],
                share_interval(
                    file["accuracy"], entry.run.metrics["test"]["num_examples"]
                ),
            )
            for entry, file in known.items()
        ]
        plot_costs(axes, {"": networks}, label)
        caption = f"Accuracy, and {label.lower()}: " + ", ".join(
            f"run {entry.number} {file['accuracy']:.1%}, {file[key] / unit:.3g}"
            for entry, file in known.items()
        )
        yield Drawing(name, caption, figure)


def _draw_differences(
    differences: Sequence[Difference | Incomparable],
) -> Iterator[Drawing]:
    known = [d for d in differences if isinstance(d, Difference)]
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


def _draw_training(entries: Sequence[Entry]) -> Iterator[Drawing]:
    """One figure for the validation accuracy, one for the loss."""
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
