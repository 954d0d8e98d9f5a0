"""A study as tables, a page and figures: paper beside measured."""

import pathlib
import statistics

import numpy as np

from keras_artkd import plots
from keras_artkd.distillers.registry import get_method
from keras_artkd.files import read_json, write_json, write_text
from keras_artkd.report.figures import Drawing, save_figures
from keras_artkd.report.page import environment
from recipes.common import is_finished
from recipes.config import EXPERT_METHOD
from recipes.studying.comparing import LEVEL
from recipes.studying.results import as_json
from recipes.studying.tables import markdown_table, percent, tables

# Of a study's figures, as files beside its page.
FIGURES = "figures"
_ROLES = ("student", "expert", "initial teacher")


def write_study(folder, results, command):
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
            is_finished=is_finished,
        )
    )
    write_text(folder / "study.html", page)
    save_figures(drawings, folder / FIGURES)


def as_markdown(results, command):
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


def setting(results):
    """What was trained, in a sentence or two."""
    base = results.base
    images = "test images"
    known = [cell.metrics[s] for cell in results.cells for s in cell.metrics]
    if known:
        images = f"{known[0]['test']['num_examples']} {images}"
    configs = [c for cell in results.cells for c in cell.configs.values()]
    networks = {
        role: ", ".join(
            dict.fromkeys(name for c in configs if (name := _network(c, role)))
        )
        for role in _ROLES
    }
    awgram = any("awgram" in (c.student_head, c.teacher_head) for c in configs)
    options = " ".join(f"{k} {v}" for k, v in base.data_options.items())
    facts = [
        *(f"{role} {names}" for role, names in networks.items() if names),
        f"{base.epochs} epoch{'s' * (base.epochs > 1)} of batches of "
        f"{base.batch_size} at {base.image_size} pixels",
        _rate(results),
        *[f"norm of AWGram's output {base.feature_scale:g}"] * awgram,
        f"{base.dataset}{f' ({options})' if options else ''}",
        *(f"{k} {v}" for k, v in results.settings.method_options.items()),
        f"seeds {', '.join(map(str, results.seeds))}",
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
    return text + _what_experts_know(results)


def _what_experts_know(results):
    """A sentence, where it is no more than the student finds out alone."""
    experts = [share for _, share in results.experts if share is not None]
    networks = {config.student for config, _ in results.experts}
    alone = [
        cell.summary()[0]
        for cell in results.cells
        if cell.metrics
        and all(_is_alone(c, results.base) for c in cell.runs.values())
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


def _is_alone(config, base):
    """Whether it is the study's student, trained as the others, alone."""
    alone = (EXPERT_METHOD, "pool", base.student, base.augment, base.epochs)
    return alone == (
        *(config.method, config.student_head, config.student),
        *(config.augment, config.epochs),
    )


def _rate(results):
    if not results.settings.rates:
        return f"first learning rate {results.base.first_rate:g}"
    rates = ", ".join(f"{rate:g}" for rate in results.settings.rates)
    return f"first learning rate the best of {rates} by validation"


def _network(config, role):
    """Its name, where the run has one in this role."""
    method = get_method(config.method)
    if role == "student":
        return config.student
    if role == "expert":
        given = "from a file" if config.expert else config.expert_network
        return method.needs_expert and given
    return method.needs_initial and config.initial


def draw_study(results):
    """Returns dict of name -> `Drawing`."""
    drawings = [*_draw_cells(results), *_draw_differences(results)]
    if "curves" in results.study.show:
        drawings += _draw_curves(results)
    return {drawing.name: drawing for drawing in drawings}


def _draw_cells(results):
    cells = [cell for cell in results.cells if cell.metrics]
    if not cells:
        return
    names = [cell.name for cell in cells]
    measured = [[*cell.values().values()] for cell in cells]
    published = [
        [] if cell.published is None else [cell.published / 100]
        for cell in cells
    ]
    height = 0.7 + 0.24 * len(cells)
    if any(published):
        figure, (left, right) = plots.figure(7.2, height, panels=2)
        plots.plot_rows(left, names, published)
        left.set_title("Paper")
        left.set_xlabel(results.dataset)
    else:
        figure, right = plots.figure(5.4, height)
    plots.plot_rows(right, names, measured)
    right.set_title("Measured")
    right.set_xlabel("test accuracy: mean, each seed, range")
    yield Drawing(
        "cells", f"{results.study.caption}: test accuracy by cell", figure
    )


def _draw_differences(results):
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
        f"Differences of accuracy, {LEVEL:.0%} of seeds and test images (of "
        "one seed: of images alone)",
        figure,
    )


def _widest(difference):
    """The interval that says most; without any the point alone."""
    return (
        difference.over_both
        or difference.over_seeds
        or difference.over_images
        or (difference.mean, difference.mean)
    )


def _draw_curves(results):
    curves = {}
    for cell in results.cells:
        histories = [
            read_json(config.run_dir / "history.json")["val_accuracy"]
            for seed, config in cell.runs.items()
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
