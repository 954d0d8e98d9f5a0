"""The figures of a study."""

import statistics
from collections.abc import Iterator

import numpy as np

from keras_artkd.measure.comparing import LEVEL, Difference, mean_interval
from keras_artkd.measure.confusions import confusion_matrix
from keras_artkd.measure.intervals import share_interval
from keras_artkd.report import plots
from keras_artkd.report.figures import Drawing
from keras_artkd.report.plot_confusion import (
    DRAWN_CLASSES,
    confusion_figure,
)
from keras_artkd.report.plot_costs import Costed, plot_costs
from keras_artkd.report.text import display_name
from keras_artkd.studies.results import Result, Results
from keras_artkd.studies.tables import over_rotations


def draw_study(results: Results) -> dict[str, Drawing]:
    """Returns dict of name -> `Drawing`."""
    drawings = [
        *_draw_sizes(results),
        *_draw_labels(results),
        *_draw_cells(results),
        *_draw_differences(results),
    ]
    if "curves" in results.study.show:
        drawings += _draw_curves(results)
    if "classes" in results.study.show:
        drawings += _draw_confusion(results)
    return {drawing.name: drawing for drawing in drawings}


def _draw_sizes(results: Results) -> Iterator[Drawing]:
    """Accuracy against the size of the int8 file, where there are files."""
    cells = {cell.name: cell for cell in results.cells}
    lines: dict[str, list[Costed]] = {}
    for name, members in results.study.sizes.items():
        for member in members:
            cell, size = cells[member], _file_size(cells[member])
            if size is None:
                continue
            short = member.partition(":")[0]
            # One name for the networks of one size.
            known = {n.cost for others in lines.values() for n in others}
            lines.setdefault(name, []).append(
                _costed(
                    results,
                    "" if size in known else short,
                    size,
                    [*cell.values().values()],
                )
            )
    if not lines:
        return
    figure, axes = plots.figure(6.2, 3.4)
    plot_costs(axes, lines, "Size of the int8 file, KiB")
    yield Drawing(
        "sizes",
        f"Test accuracy and the size of the int8 file; {LEVEL:.0%} of seeds",
        figure,
    )


def _draw_labels(results: Results) -> Iterator[Drawing]:
    """Accuracy against the share of the labels."""
    cells = {cell.name: cell for cell in results.cells}
    lines: dict[str, list[Costed]] = {}
    for line, members in results.study.label_curves.items():
        for share, member in members.items():
            # A part of the study may have been asked for.
            cell = cells.get(member)
            if cell is not None and cell.values():
                lines.setdefault(line, []).append(
                    _costed(results, "", share, [*cell.values().values()])
                )
    if not lines:
        return
    figure, axes = plots.figure(6.2, 3.4)
    plot_costs(axes, lines, "Share of the training images with a label, %")
    yield Drawing(
        "labels",
        "Test accuracy and the share of labels; "
        f"{LEVEL:.0%} of seeds, each with a split of its own",
        figure,
    )


def _costed(
    results: Results, name: str, cost: float, shares: list[float]
) -> Costed:
    """The mean of some accuracies, with its interval."""
    mean = statistics.fmean(shares)
    interval = mean_interval(shares, overlap=results.overlap or 0.0)
    return Costed(name, cost, mean, interval or (mean, mean))


def _file_size(cell: Result) -> float | None:
    """KiB of a cell's int8 file, of a run that has it."""
    for metrics in cell.metrics.values():
        if file := metrics["exports"].get("tflite_int8"):
            return round(float(file["size_bytes"]) / 1024)
    return None


def _draw_cells(results: Results) -> Iterator[Drawing]:
    cells = [cell for cell in results.cells if cell.values()]
    if not cells:
        return
    names = [cell.name for cell in cells]
    measured = [[*cell.values().values()] for cell in cells]
    published = [
        [] if cell.published is None else [cell.published / 100]
        for cell in cells
    ]
    height = 0.9 + 0.24 * len(cells)
    if any(published):
        figure, (left, right) = plots.figure(7.2, height, panels=2)
        plots.plot_rows(left, names, published)
        left.set_title("Paper")
        left.set_xlabel(results.dataset)
    else:
        figure, right = plots.figure(5.4, height)
    images = [next(iter(c.metrics.values()))["test"] for c in cells]
    intervals = [
        share_interval(statistics.fmean(values), test["num_examples"])
        for values, test in zip(measured, images, strict=True)
    ]
    plots.plot_rows(right, names, measured, intervals)
    right.set_title("Measured")
    right.set_xlabel(plots.ROWS_LABEL)
    yield Drawing(
        "cells",
        f"{results.study.caption}: test accuracy by cell"
        f"{over_rotations(results)}",
        figure,
    )


def _draw_differences(results: Results) -> Iterator[Drawing]:
    known = [*results.differences, *results.matched, *results.contrasts]
    if not known:
        return
    figure, axes = plots.figure(6.2, 0.8 + 0.26 * len(known))
    plots.plot_differences(
        axes,
        [contrast.name for contrast in known],
        [contrast.best.mean for contrast in known],
        [_widest(contrast.best) for contrast in known],
        width=56,
    )
    yield Drawing(
        "differences",
        f"Differences of accuracy, {LEVEL:.0%} "
        + (
            "of seeds and test images (of one seed: of images alone)"
            if results.overlap is None
            else "of seeds, each with a split of its own"
        ),
        figure,
    )


def _widest(difference: Difference) -> tuple[float, float]:
    """The interval that says most; without any the point alone."""
    return (
        difference.over_both
        or difference.over_seeds
        or difference.over_images
        or (difference.mean, difference.mean)
    )


def _draw_curves(results: Results) -> Iterator[Drawing]:
    curves = {}
    for cell in results.cells:
        histories = [
            plan.folder.history["val_accuracy"]
            for seed, plan in cell.runs.items()
            if seed in cell.metrics
        ]
        if histories:
            curves[cell.name] = np.mean(histories, axis=0)
    if not curves:
        return
    figure, axes = plots.figure(5.4, 3.2)
    plots.plot_curves(axes, curves, percent=True)
    axes.set_title("Accuracy, validation; mean of the seeds")
    yield Drawing("curves", "Validation accuracy by epoch", figure)


def _draw_confusion(results: Results) -> Iterator[Drawing]:
    """Of the study's own cell; matched baselines are no part of the figure."""
    cell = results.cells[0]
    tests = [metrics["test"] for metrics in cell.metrics.values()]
    if not tests or len(tests[0]["per_class"]) > DRAWN_CLASSES:
        return
    names = [display_name(one["name"]) for one in tests[0]["per_class"]]
    # A row's share of the sum is the mean over seeds of the same test images.
    matrix = np.sum([confusion_matrix(test) for test in tests], axis=0)
    yield Drawing(
        "confusion",
        f"Confusion matrix of {cell.name}, mean of the seeds: of the test "
        "images of a row's class the percentage that was classified as the "
        "column's",
        confusion_figure(matrix, names, percent=True),
    )
