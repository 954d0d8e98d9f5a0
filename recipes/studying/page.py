"""A study as tables, a page and figures: paper beside measured."""

import pathlib
import statistics

import numpy as np

from keras_artkd import plots
from keras_artkd.distillers.registry import get_method
from keras_artkd.files import read_json, write_json, write_text
from keras_artkd.report.figures import Drawing, save_figures
from keras_artkd.report.page import environment
from keras_artkd.report.text import display_name
from recipes.config import EXPERT_METHOD
from recipes.studying.comparing import LEVEL
from recipes.studying.published import published_tables
from recipes.studying.results import as_json

# Of a study's figures, as files beside its page.
FIGURES = "figures"
_WORST = 4
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
        _rate(results),
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
        f" The experts, with {_percent(mean)}, are no better than the student "
        f"alone, with {_percent(alone[0])}: they have little to teach."
    )


def _is_alone(config, base):
    """Whether it is the study's student, trained as the others, alone."""
    alone = (EXPERT_METHOD, "pool", base.student, base.augment, base.epochs)
    return alone == (
        *(config.method, config.student_head, config.student),
        *(config.augment, config.epochs),
    )


def _rate(results):
    tried = next((cell.rates for cell in results.cells if cell.rates), ())
    if not tried:
        return f"first learning rate {results.base.first_rate:g}"
    rates = ", ".join(f"{rate:g}" for rate in tried)
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


def cell_table(study, names):
    """Which settings cells have: `(header, rows)`, all of them str."""
    rows = [
        [cell.name, _words(cell.changes)]
        for cell in study.cells
        if cell.name in names
    ]
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
        _rates(results),
        _contrast_table(
            "Differences of the same seed, their mean and its intervals: what "
            "other seeds would do on these test images, what these seeds would "
            "do on other test images (Student's t), and what other seeds and "
            "other test images would do (the two half widths added as "
            "squares). Likewise of the last epochs, over seeds",
            "difference",
            results.differences,
        ),
        _contrast_table(
            "What else a method has to beat: the student alone, with the same "
            "augmentation, and for as many epochs as take as much arithmetic",
            "difference",
            results.matched,
        ),
        _contrast_table(
            "What each adds: the mean of the differences with and without it",
            "part",
            results.contrasts,
        ),
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
    published = any(cell.published is not None for cell in results.cells)
    searched = any(cell.rates for cell in results.cells)
    header = ["cell", *[f"paper ({results.dataset})"] * published]
    header += [f"seed {seed}" for seed in results.seeds]
    header += ["mean", "macro", "last epoch", "epochs", *["rate"] * searched]
    rows = []
    for cell in results.cells:
        row = [cell.name]
        if published:
            known = cell.published is not None
            row.append(f"{cell.published:.2f}" if known else "")
        values = cell.values()
        row += [
            _percent(values[seed]) if seed in values else ""
            for seed in results.seeds
        ]
        row += [
            _with_spread(*cell.summary()),
            _with_spread(*cell.summary(metric="macro_accuracy")),
            _with_spread(*cell.summary("test_last_epoch")),
            str(cell.epochs),
        ]
        if searched:
            rates = {f"{config.first_rate:g}" for config in cell.runs.values()}
            row.append("".join(rates))
        rows.append(row)
    return "Measured", header, rows


def _rates(results):
    cells = [cell for cell in results.cells if cell.rates]
    rates = [*cells[0].rates] if cells else []
    rows = [
        [
            cell.name,
            *("" if s is None else _percent(s) for s in cell.rates.values()),
        ]
        for cell in cells
    ]
    caption = (
        "First learning rates: accuracy of the validation images, seed "
        f"{results.base.seed}; the best is taken for all seeds"
    )
    return caption, ["cell", *(f"{rate:g}" for rate in rates)], rows


def _contrast_table(caption, first, contrasts):
    header = [first, "seeds", "points", "95 % of seeds", "of images"]
    header += ["of both", "last epoch", "95 % of seeds"]
    rows = [
        [
            contrast.name,
            str(len(contrast.best.seeds)),
            f"{100 * contrast.best.mean:+.2f}",
            _range(contrast.best.over_seeds),
            _range(contrast.best.over_images),
            _range(contrast.best.over_both),
            f"{100 * contrast.last.mean:+.2f}",
            _range(contrast.last.over_seeds),
        ]
        for contrast in contrasts
    ]
    return caption, header, rows


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


def markdown_table(header, rows, align="right"):
    """A Markdown table; all but the first column are aligned as said."""

    def line(cells):
        return f"| {' | '.join(cells)} |"

    mark = {"left": "---", "right": "---:"}[align]
    marks = ["---", *(mark for _ in header[1:])]
    return "\n".join(line(cells) for cells in (header, marks, *rows))
