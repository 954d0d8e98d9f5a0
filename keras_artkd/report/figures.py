"""The figures of a run, for its page and as PNG files."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from keras_artkd.files import replacing
from keras_artkd.measure.confusions import confusion_matrix
from keras_artkd.measure.intervals import calibration_bins
from keras_artkd.report import plots
from keras_artkd.report.gallery import IMAGES_EACH, find_confusions
from keras_artkd.report.grids import GRID_DPI, image_grid
from keras_artkd.report.measures import (
    attention_spreads,
    exit_weights,
    is_curve,
    is_exit_weight,
    is_spread,
)
from keras_artkd.report.pictures import attention_grid, read_thumbnail
from keras_artkd.report.plot_confusion import (
    DRAWN_CLASSES,
    NUMBERED_CLASSES,
    confusion_figure,
)
from keras_artkd.report.plot_exits import plot_exit_weights
from keras_artkd.report.predictions import (
    distillation_temperature,
    draw_matrices,
    draw_means,
    predictions,
)
from keras_artkd.report.rendering import as_svg, save_png
from keras_artkd.report.run import STUDENT, Run
from keras_artkd.report.style import COLOURS
from keras_artkd.report.text import display_name, small_text, term_name
from keras_artkd.types import Array, Path

_ACCURACY_EDGES = np.linspace(0, 1, 11)


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: the name of its file and of its place in the page.
        caption: a description of it.
        figure: the figure itself.
        dpi: resolution of the PNG file.
    """

    name: str
    caption: str
    figure: Figure
    dpi: int = 200

    @property
    def svg(self) -> str:
        """Inline SVG."""
        return as_svg(self.figure, self.name, self.caption)


def draw_run(run: Run) -> dict[str, Drawing]:
    """Draws everything that the run's files hold; returns it by name."""
    drawings = [
        *_training(run),
        *_exit_weights(run),
        *_spreads(run),
        *_confusion(run),
        _classes(run),
        *_calibration(run),
        *_predictions(run),
        *_mistakes(run),
        *_attention(run),
    ]
    return {drawing.name: drawing for drawing in drawings}


def save_figures(drawings: Mapping[str, Drawing], folder: Path) -> None:
    """Writes every drawing as `<folder>/<name>.png`; replaces the folder.

    Raises:
        OSError: if the folder cannot be written.
    """
    with replacing(folder) as temporary:
        temporary.mkdir()
        for drawing in drawings.values():
            path = temporary / f"{drawing.name}.png"
            save_png(drawing.figure, path, drawing.dpi)


def _training(run: Run) -> Iterator[Drawing]:
    """Accuracy and loss, then each term of the loss in its own figure."""
    # The number of the block jumps between phases, which the terms show.
    history = {k: v for k, v in run.history.items() if k != "block"}
    best = run.metrics["best_epoch"]
    pairs = {
        "accuracy": "Accuracy",
        "loss": "Loss: all terms, weighted",
    }
    for name, title in pairs.items():
        curves = {
            "training": history.pop(name, None),
            "validation": history.pop(f"val_{name}", None),
        }
        curves = {key: values for key, values in curves.items() if values}
        if curves:
            yield _curves(
                f"training-{name}", title, curves, best, name == "accuracy"
            )
    for name, values in history.items():
        of_attention = is_spread(name) or is_exit_weight(name)
        if is_curve(values) and not of_attention:
            title = term_name(name)
            yield _curves(
                f"training-{_slug(name)}", title, {title: values}, best
            )


def _exit_weights(run: Run) -> Iterator[Drawing]:
    """The weights of exits."""
    best = run.metrics["best_epoch"]
    for weights in exit_weights(run):
        title = f"Weights of the exits, {weights.name}"
        figure, axes = plots.figure(3.3, 2.4)
        plot_exit_weights(axes, weights.curves, best)
        _set_title(axes, title)
        yield Drawing(
            f"weights-{_slug(weights.name)}",
            _curves_caption(title, weights.curves, best, ".4f"),
            figure,
        )


def _spreads(run: Run) -> Iterator[Drawing]:
    """The inequality of the weights of exits."""
    for spread in attention_spreads(run):
        title = f"Attention spread, {spread.name}"
        yield _curves(
            f"spread-{_slug(spread.key)}",
            title,
            {title: spread.values},
            run.metrics["best_epoch"],
            log=True,
        )


def _slug(name: str) -> str:
    return re.sub(r"[^\w-]", "-", name)


def _curves(
    name: str,
    title: str,
    curves: Mapping[str, Sequence[float | None]],
    best_epoch: int,
    percent: bool = False,
    log: bool = False,
) -> Drawing:
    figure, axes = plots.figure(3.3, 2.2)
    plots.plot_curves(axes, curves, best_epoch, percent, log)
    _set_title(axes, title)
    form = None if log else ".1%" if percent else ".3g"
    return Drawing(
        name, _curves_caption(title, curves, best_epoch, form), figure
    )


def _set_title(axes: Axes, title: str) -> None:
    axes.set_title(
        plots.shorten(title, 36), loc="left", fontsize=10, fontweight="bold"
    )


def _curves_caption(
    title: str,
    curves: Mapping[str, Sequence[float | None]],
    best_epoch: int,
    form: str | None,
) -> str:
    """What curves begin and end with; without `form` as tiny numbers."""
    ends = []
    for label, values in curves.items():
        numbers = [value for value in values if value is not None]
        whole = "" if len(numbers) == len(values) else " that has it"
        first, last = (
            f"{number:{form}}" if form else small_text(number)
            for number in (numbers[0], numbers[-1])
        )
        ends.append(
            f"{label} {first} in the first epoch{whole} and {last} in the last"
        )
    return f"{title} by epoch: {', '.join(ends)}. Epoch {best_epoch} is kept."


def _confusion(run: Run) -> Iterator[Drawing]:
    if len(run.class_names) > DRAWN_CLASSES:
        return
    matrix = confusion_matrix(run.metrics["test"])
    yield Drawing(
        "confusion",
        "Confusion matrix of the test images: a row is a true class, a "
        "column what it was classified as.",
        confusion_figure(matrix, _names(run)),
    )


def _classes(run: Run) -> Drawing:
    """The accuracy of each class; of many classes a histogram."""
    classes = [
        (name, entry)
        for name, entry in zip(
            _names(run), run.metrics["test"]["per_class"], strict=True
        )
        if entry["count"]
    ]
    accuracies = [entry["accuracy"] for _, entry in classes]
    if len(run.class_names) > NUMBERED_CLASSES:
        figure, axes = plots.figure(3.3, 2.4)
        counts, _ = np.histogram(accuracies, _ACCURACY_EDGES)
        axes.bar(
            _ACCURACY_EDGES[:-1],
            counts,
            width=0.1,
            align="edge",
            color=COLOURS["accent"],
            edgecolor=COLOURS["surface"],
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set(xlim=(0, 1), xlabel="accuracy", ylabel="classes")
        caption = "How many classes are recognised how often: " + ", ".join(
            f"{count} at {low:.0%} to {low + 0.1:.0%}"
            for low, count in zip(_ACCURACY_EDGES, counts, strict=False)
            if count
        )
        return Drawing("classes", f"{caption}.", figure)
    figure, axes = plots.figure(4.2, 0.8 + 0.2 * len(classes))
    plots.plot_per_class(
        axes,
        [name for name, _ in classes],
        accuracies,
        [entry["count"] for _, entry in classes],
    )
    return Drawing("classes", "Accuracy of each class.", figure)


def _calibration(run: Run) -> Iterator[Drawing]:
    if run.logits:
        figure, axes = plots.figure(3.3, 3.0)
        bins = calibration_bins(run.labels, run.logits[STUDENT])
        plots.plot_reliability(axes, bins)
        filled = zip(*bins.values(), strict=True)
        caption = "Accuracy by confidence: " + ", ".join(
            f"{accuracy:.0%} where it was {confidence:.0%} ({count} images)"
            for _, _, count, confidence, accuracy in filled
            if count
        )
        yield Drawing("calibration", f"{caption}.", figure)


def _predictions(run: Run) -> Iterator[Drawing]:
    """What each network predicts on average."""
    networks = predictions(run)
    if not networks:
        return
    temperature = f"at temperature {distillation_temperature(run):g}"
    if len(run.class_names) <= DRAWN_CLASSES:
        yield Drawing(
            "predictions",
            f"Mean probabilities {temperature}, percent: a row holds the test "
            "images of a true class, a column is the class they are of.",
            draw_matrices(run, networks),
        )
    yield Drawing(
        "predictions-means",
        f"Mean probability of each class {temperature}, over all test images, "
        "beside the class's share of them.",
        draw_means(run, networks),
    )


def _mistakes(run: Run) -> Iterator[Drawing]:
    """Misclassified images; right of them the classes they were taken for."""
    if not run.logits or not run.gallery:
        return
    names = _names(run)
    titles, cells = [], []
    for confusion in find_confusions(run.labels, run.logits[STUDENT]):
        titles.append(
            f"{names[confusion.true]}, taken for {names[confusion.predicted]}"
        )
        cells.append(
            [
                *_thumbnails(run, confusion.rows),
                *_thumbnails(run, confusion.typical_predicted),
            ]
        )
    if cells:
        blank = [""] * (IMAGES_EACH - 1)
        headings = ["misclassified", *blank, "taken for", *blank]
        yield Drawing(
            "mistakes",
            "Misclassified images and typical ones of what they were taken "
            "for.",
            image_grid(cells, titles, headings),
            GRID_DPI,
        )


def _thumbnails(run: Run, rows: Sequence[int]) -> list[Array | None]:
    """Three thumbnails; None in place of each that is missing."""
    found = [
        read_thumbnail(run.gallery[row], square=True)
        for row in rows
        if row in run.gallery
    ]
    return found + [None] * (IMAGES_EACH - len(found))


def _attention(run: Run) -> Iterator[Drawing]:
    grid = attention_grid(run)
    if grid is None or run.attention is None:
        return
    cells: list[list[Array | None]] = [
        [row.picture, *(o for maps in row.overlays for o in maps.values())]
        for row in grid
    ]
    headings = ["as seen"] + [
        f"{role}, {mapping}"
        for role, maps in run.attention.maps.items()
        for mapping in maps
    ]
    titles = [display_name(row.true) for row in grid]
    yield Drawing(
        "attention",
        "Where each network looks.",
        image_grid(cells, titles, headings),
        GRID_DPI,
    )


def _names(run: Run) -> list[str]:
    return [display_name(name) for name in run.class_names]
