"""A study as tables, a page and figures: paper beside measured."""

import pathlib

import numpy as np

from keras_artkd import plots
from keras_artkd.distillers.registry import get_method
from keras_artkd.files import read_json, write_json, write_text
from keras_artkd.report.figures import Drawing, save_figures
from keras_artkd.report.page import environment
from keras_artkd.report.text import display_name
from recipes.studying.comparing import LEVEL
from recipes.studying.published import published_tables
from recipes.studying.results import as_json

# Of a study's figures, as files beside its page.
FIGURES = "figures"
_WORST = 4
_ROLES = ("student", "expert", "initial teacher")
_DIFFERENCE = ("seeds", "points", "95 % of seeds", "95 % of seeds and images")


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
    images = "images"
    known = [cell.metrics[s] for cell in results.cells for s in cell.metrics]
    if known:
        images = f"{known[0]['test']['num_examples']} test images"
    configs = [c for cell in results.cells for c in cell.runs.values()]
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
        f"first learning rate {base.first_rate:g}",
        *[f"norm of AWGram's output {base.feature_scale:g}"] * awgram,
        f"{base.dataset}{f' ({options})' if options else ''}",
        f"seeds {', '.join(map(str, results.seeds))}",
    ]
    text = (
        f"Budget {results.budget!r}: {'; '.join(facts)}. Percent of {images} "
        "at the best epoch by validation, ± the standard deviation over seeds."
    )
    if not results.comparable and any(
        cell.published is not None for cell in results.cells
    ):
        text += (
            f" The paper's numbers are of {results.dataset} and its own "
            "training: compare the order, not the values."
        )
    return text


def _network(config, role):
    """Its name, where the run has one in this role."""
    method = get_method(config.method)
    if role == "student":
        return config.student
    if role == "expert":
        given = "from a file" if config.expert else config.expert_network
        return method.needs_expert and given
    return method.needs_initial and config.initial


def cell_table(study):
    """Which settings each cell has: `(header, rows)`, all of them str."""
    rows = [[cell.name, _words(cell.changes)] for cell in study.cells]
    return ["cell", "settings"], rows


def _words(changes):
    """Settings as a line of text."""
    words = []
    for name, value in changes.items():
        if isinstance(value, dict):
            words += [f"{k} {v}" for k, v in value.items()]
        elif isinstance(value, tuple):
            words.append(f"{name} {' '.join(value)}")
        else:
            words.append(f"{name} {value}")
    return ", ".join(words)


def tables(results):
    """Returns list of `(caption, header, rows)`, all of them str."""
    shown = [
        _accuracies(results),
        _differences(results),
        _contrasts(results),
    ]
    if "classes" in results.study.show:
        shown += _classes(results)
    shown.append(_experts(results))
    return [table for table in shown if table[2]]


def _percent(share):
    return f"{100 * share:.2f}"


def _with_spread(mean, spread):
    if mean is None:
        return ""
    return _percent(mean) + ("" if spread is None else f" ± {_percent(spread)}")


def _accuracies(results):
    header = ["cell", f"paper ({results.dataset})"]
    header += [f"seed {seed}" for seed in results.seeds]
    header += ["mean", "macro", "last epoch", "epochs"]
    rows = []
    for cell in results.cells:
        values = cell.values()
        published = cell.published
        rows.append(
            [
                cell.name,
                "" if published is None else f"{published:.2f}",
                *(
                    _percent(values[seed]) if seed in values else ""
                    for seed in results.seeds
                ),
                _with_spread(*cell.summary()),
                _with_spread(*cell.summary(metric="macro_accuracy")),
                _with_spread(*cell.summary("test_last_epoch")),
                str(cell.epochs),
            ]
        )
    if all(cell.published is None for cell in results.cells):
        header.pop(1)
        rows = [[name, *rest] for name, _, *rest in rows]
    return "Measured", header, rows


def _differences(results):
    rows = [
        _difference_row(f"{cell.name} minus {cell.against}", cell.difference)
        for cell in results.cells
        if cell.difference is not None
    ]
    caption = (
        "Differences of the same seed, their mean and its interval: what "
        "other seeds would do on these test images (Student's t), and what "
        "other seeds and other test images would do (the two half widths "
        "added as squares; of one seed: other images alone)."
    )
    return caption, ["difference", *_DIFFERENCE], rows


def _contrasts(results):
    rows = [
        _difference_row(name, difference)
        for name, difference in results.contrasts.items()
        if difference is not None
    ]
    caption = (
        "What each adds: the mean of the differences with and without it, "
        "intervals as above"
    )
    return caption, ["part", *_DIFFERENCE], rows


def _difference_row(name, difference):
    return [
        name,
        str(len(difference.seeds)),
        f"{100 * difference.mean:+.2f}",
        _range(difference.over_seeds),
        _range(difference.over_both),
    ]


def _range(interval):
    if interval is None:
        return ""
    return " to ".join(f"{100 * end:.1f}" for end in interval)


def _experts(results):
    rows = [
        [
            config.student,
            str(config.seed),
            str(config.epochs),
            "" if accuracy is None else _percent(accuracy),
        ]
        for config, accuracy in results.experts
    ]
    return "Experts", ["network", "seed", "epochs", "test"], rows


def _classes(results):
    """The paper's classes as measured, and the worst ones here."""
    # The study's own cell; matched baselines are no part of the table.
    measured = {}
    for metrics in results.cells[0].metrics.values():
        for row, one in enumerate(metrics["test"]["per_class"]):
            measured.setdefault(one["name"], []).append(
                (row, one, metrics["test"]["confusion_matrix"])
            )
    table = published_tables()[results.study.key]
    by_name = {display_name(name).lower(): name for name in measured}
    rows = [
        [*map(str, row), *_class_row(measured, by_name.get(row[0].lower()))]
        for row in table.rows
    ]
    here = ["measured", "most often taken for"]
    header = [name.replace("_", " ") for name in table.columns] + here
    yield "The paper's classes; empty where these data have none", header, rows
    shares = {
        name: np.mean([one["accuracy"] for _, one, _ in runs])
        for name, runs in measured.items()
        if all(one["count"] for _, one, _ in runs)
    }
    worst = sorted(shares, key=shares.get)[:_WORST]
    rows = [[display_name(name), *_class_row(measured, name)] for name in worst]
    yield "The least accurate classes here", ["class", *here], rows


def _class_row(measured, name):
    """Accuracy and main confusion of a class, over the seeds."""
    if name is None:
        return "", ""
    runs = measured[name]
    counts = [one["count"] for _, one, _ in runs]
    if not all(counts):
        return "", ""
    accuracy = np.mean([one["accuracy"] for _, one, _ in runs])
    confusion = sum(np.asarray(matrix[row]) for row, _, matrix in runs)
    others = confusion.copy()
    others[runs[0][0]] = 0
    taken_for = ""
    if others.any():
        other = [*measured][int(others.argmax())]
        share = others.max() / confusion.sum()
        taken_for = f"{display_name(other)} ({100 * share:.0f} %)"
    return f"{100 * accuracy:.0f} (of {counts[0]})", taken_for


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
    known = [
        *(
            (f"{cell.name} minus {cell.against}", cell.difference)
            for cell in results.cells
        ),
        *results.contrasts.items(),
    ]
    known = [(name, d) for name, d in known if d is not None]
    if not known:
        return
    figure, axes = plots.figure(6.2, 0.8 + 0.26 * len(known))
    plots.plot_differences(
        axes,
        [name for name, _ in known],
        [d.mean for _, d in known],
        # Without an interval a point alone.
        [d.over_both or d.over_seeds or (d.mean, d.mean) for _, d in known],
        width=44,
    )
    yield Drawing(
        "differences",
        f"Differences of accuracy, {LEVEL:.0%} of seeds and test images (of "
        "one seed: of images alone)",
        figure,
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


def markdown_table(header, rows):
    """A Markdown table; all but the first column are to the right."""

    def line(cells):
        return f"| {' | '.join(cells)} |"

    marks = ["---", *("---:" for _ in header[1:])]
    return "\n".join(line(cells) for cells in (header, marks, *rows))
