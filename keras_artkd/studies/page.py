"""A study as Markdown, a page and figures: paper beside measured."""

import pathlib
import statistics
from collections.abc import Iterator

import numpy as np

from keras_artkd.files import write_json, write_text
from keras_artkd.measure.comparing import LEVEL, Difference, mean_interval
from keras_artkd.measure.intervals import share_interval
from keras_artkd.report import plots
from keras_artkd.report.figures import Drawing, save_figures
from keras_artkd.report.page import environment
from keras_artkd.report.plot_confusion import confusion_figure
from keras_artkd.report.plot_costs import Costed, plot_costs
from keras_artkd.report.text import display_name
from keras_artkd.runs.commands import command as command_of
from keras_artkd.runs.config import Config
from keras_artkd.runs.expert_config import EXPERT_METHOD
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.studies.results import Result, Results
from keras_artkd.studies.results_file import as_json
from keras_artkd.studies.tables import over_rotations, percent, tables
from keras_artkd.studies.text import markdown_table

# Of a study's figures, as files beside its page.
FIGURES = "figures"
_ROLES = ("student", "expert", "initial teacher")


def write_study(folder: pathlib.Path, results: Results, command: str) -> None:
    """Writes `results.json`, `study.md`, `study.html` and `figures/`.

    Args:
        folder: path.
        results: `Results`.
        command: str, what to type to run it again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "results.json", as_json(results, command))
    write_text(folder / "study.md", as_markdown(results, command))
    drawings = draw_study(results)
    page = (
        environment(pathlib.Path(__file__).parent)
        .get_template("study.html")
        .render(
            results=results,
            command=command,
            sentence=setting(results),
            tables=tables(results),
            drawings=drawings,
            command_of=command_of,
        )
    )
    write_text(folder / "study.html", page)
    save_figures(drawings, folder / FIGURES)


def as_markdown(results: Results, command: str) -> str:
    """The study as Markdown: command, tables, and what they say."""
    done, runs = results.done
    study = results.study
    parts = [
        f"# {study.key}: {study.caption}",
        f"```\n{command}\n```",
        setting(results),
    ]
    if done < runs:
        parts.append(f"{done} of {runs} runs have ended; the others are empty.")
    for caption, header, rows in tables(results):
        parts.append(f"{caption}\n\n{markdown_table(header, rows)}")
    if results.order:
        parts.append(results.order["verdict"])
    if study.notes:
        parts.append(f"Note: {study.notes}")
    parts.append(
        "The command of each run is in results.json and study.html; to check a "
        "number, give it another --workdir."
    )
    return "\n\n".join(parts) + "\n"


def setting(results: Results) -> str:
    """Describes the training in a sentence or two."""
    base = results.base
    images = "test images"
    known = [cell.metrics[s] for cell in results.cells for s in cell.metrics]
    if known:
        images = f"{known[0]['test']['num_examples']} {images}"
    plans = [p for cell in results.cells for p in cell.plans.values()]
    data, schedule = base.data, base.schedule
    networks = {
        role: ", ".join(
            dict.fromkeys(name for p in plans if (name := _network(p, role)))
        )
        for role in _ROLES
    }
    awgram = any(
        "awgram" in (p.student_head, p.config.networks.teacher_head)
        for p in plans
    )
    options = " ".join(f"{k} {v}" for k, v in data.data_options.items())
    facts = [
        *(f"{role} {names}" for role, names in networks.items() if names),
        f"{schedule.epochs} epoch{'s' * (schedule.epochs > 1)} of batches of "
        f"{schedule.batch_size} at {data.image_size} pixels",
        _rate(results),
        *[f"norm of AWGram's output {base.networks.feature_scale:g}"] * awgram,
        f"{data.dataset}{f' ({options})' if options else ''}",
        *(f"{k} {v}" for k, v in results.settings.method_options.items()),
        f"seeds {', '.join(map(str, results.seeds))}"
        f"{', each with a split of its own' * results.study.splits}",
    ]
    text = (
        f"Budget {results.settings.budget!r}: {'; '.join(facts)}. Percent of "
        f"{images} at the best epoch by validation, ± the standard deviation "
        "over seeds."
    )
    if not results.comparable and any(
        cell.published is not None for cell in results.cells
    ):
        text += (
            f" The paper's numbers are of {results.dataset} and its own "
            "training: compare the order, not the values."
        )
    return text + _what_rotations(results) + _what_experts_know(results)


def _what_rotations(results: Results) -> str:
    """Sentences, where cells are measured over rotations."""
    cells = [cell for cell in results.cells if cell.aggregated]
    if not cells:
        return ""
    names = ", ".join(cell.name for cell in cells)
    text = (
        " Measured as the paper does, by the mean logits over four rotations "
        f"of each test image: {names}. Upright validation images choose their "
        "epochs, as all others'."
    )
    lacking = [
        cell.runs[seed].folder.name
        for cell in cells
        for seed, correct in cell.correct.items()
        if correct is None
    ]
    if lacking:
        text += (
            f" {len(lacking)} of their runs kept no such logits (older "
            "versions did not): their differences have no interval of images, "
            "and their order cannot be told. To have it, remove these folders "
            f"and type the command again: {', '.join(lacking)}."
        )
    return text


def _what_experts_know(results: Results) -> str:
    """A sentence, where experts are no better than the student alone."""
    experts = [share for _, share in results.experts if share is not None]
    networks = {p.config.networks.student for p, _ in results.experts}
    alone = [
        statistics.fmean(cell.values().values())
        for cell in results.cells
        if cell.values()
        and all(_is_alone(p, results.base) for p in cell.runs.values())
    ]
    if not experts or len(networks) > 1 or len(alone) != 1:
        return ""
    mean = statistics.fmean(experts)
    if mean > alone[0]:
        return ""
    return (
        f" The experts, with {percent(mean)}, are no better than the student "
        f"alone, with {percent(alone[0])}: they have little to teach."
    )


def _is_alone(plan: Plan, base: Config) -> bool:
    """Whether it is the study's student, trained as the others, alone."""
    config = plan.config
    return (
        plan.method.name == EXPERT_METHOD
        and plan.student_head == "pool"
        and config.networks.student == base.networks.student
        and config.augmentation.augment == base.augmentation.augment
        and config.schedule.epochs == base.schedule.epochs
    )


def _rate(results: Results) -> str:
    if not results.settings.rates:
        rate = resolve(results.base).first_rate
        return f"first learning rate {rate:g}"
    rates = ", ".join(f"{rate:g}" for rate in results.settings.rates)
    return f"first learning rate the best of {rates} by validation"


def _network(plan: Plan, role: str) -> str | None:
    """Its name, where the run has one in this role."""
    networks = plan.config.networks
    if role == "student":
        return networks.student
    if role == "expert" and plan.has_expert:
        return "from a file" if networks.expert else networks.expert_network
    if role == "initial teacher" and plan.method.needs_initial:
        return networks.initial
    return None


def draw_study(results: Results) -> dict[str, Drawing]:
    """Returns dict of name -> `Drawing`."""
    drawings = [
        *_draw_sizes(results),
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
            shares = [*cell.values().values()]
            mean = statistics.fmean(shares)
            interval = mean_interval(shares, overlap=results.overlap or 0.0)
            short = member.partition(":")[0]
            # One name for the networks of one size.
            known = {n.cost for others in lines.values() for n in others}
            lines.setdefault(name, []).append(
                Costed(
                    "" if size in known else short,
                    size,
                    mean,
                    interval or (mean, mean),
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
    if not tests:
        return
    names = [display_name(one["name"]) for one in tests[0]["per_class"]]
    # A row's share of the sum is the mean over seeds of the same test images.
    matrix = np.sum([test["confusion_matrix"] for test in tests], axis=0)
    yield Drawing(
        "confusion",
        f"Confusion matrix of {cell.name}, mean of the seeds: of the test "
        "images of a row's class the percentage that was classified as the "
        "column's",
        confusion_figure(matrix, names, percent=True),
    )
