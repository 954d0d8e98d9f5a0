"""The tables of a study: what was measured, and what is compared."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_artkd.measure.confusions import confusion_cells
from keras_artkd.report.text import display_name
from keras_artkd.studies.published import published_tables
from keras_artkd.studies.results import Contrast, Results
from keras_artkd.studies.study import Study
from keras_artkd.types import Array

_WORST = 4
_INTERVALS = (
    "Differences of the same seed, their mean and its intervals: what other "
    "seeds would do on these test images, what these seeds would do on other "
    "test images (Student's t), and what other seeds and other test images "
    "would do (the two half widths added as squares). Likewise of the last "
    "epochs, over seeds"
)
_INTERVALS_OF_SPLITS = (
    "Differences on the same split, their mean and its interval: Student's t, "
    "made wider for splits that share most of their images (Nadeau and Bengio, "
    "2003). Likewise of the last epochs"
)

Table = tuple[str, list[str], list[list[str]]]
"""Caption, header and rows."""


def tables(results: Results) -> list[Table]:
    """The tables that have rows."""
    shown = [
        _accuracies(results),
        _upright(results),
        _rates(results),
        _costs(results),
        _contrast_table(
            _INTERVALS if results.overlap is None else _INTERVALS_OF_SPLITS,
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
    shown += [_frozen(results), _experts(results)]
    return [table for table in shown if table[2]]


def percent(share: float) -> str:
    """A share in percent, without the sign."""
    return f"{100 * share:.2f}"


def _with_spread(mean: float | None, spread: float | None) -> str:
    if mean is None:
        return ""
    return percent(mean) + ("" if spread is None else f" ± {percent(spread)}")


def _accuracies(results: Results) -> Table:
    published = any(cell.published is not None for cell in results.cells)
    searched = bool(results.settings.rates)
    header = ["cell", *[f"paper ({results.dataset})"] * published]
    header += [f"seed {seed}" for seed in results.seeds]
    header += ["mean", "macro", "last epoch", "epochs", *["rate"] * searched]
    rows = []
    for cell in results.cells:
        row = [cell.name]
        if published:
            number = cell.published
            row.append("" if number is None else f"{number:.2f}")
        values = cell.values()
        row += [
            percent(values[seed]) if seed in values else ""
            for seed in results.seeds
        ]
        row += [
            _with_spread(*cell.summary()),
            _with_spread(*cell.summary(metric="macro_accuracy")),
            _with_spread(*cell.summary("test_last_epoch")),
            str(cell.epochs),
        ]
        if searched:
            rates = {f"{plan.first_rate:g}" for plan in cell.runs.values()}
            row.append("".join(rates))
        rows.append(row)
    return f"Measured{over_rotations(results)}", header, rows


def over_rotations(results: Results) -> str:
    """Words that end a caption, where cells are measured over rotations."""
    names = [cell.name for cell in results.cells if cell.aggregated]
    if not names:
        return ""
    return (
        "; over four rotations of each test image, at four times the cost: "
        f"{', '.join(names)}"
    )


def _upright(results: Results) -> Table:
    """Cells that are measured over rotations, without them."""
    rows = []
    for cell in results.cells:
        values = cell.values(upright=True)
        if cell.aggregated and values:
            row = [cell.name]
            row += [
                percent(values[seed]) if seed in values else ""
                for seed in results.seeds
            ]
            row += [
                _with_spread(*cell.summary(split, metric, upright=True))
                for split, metric in (
                    ("test", "accuracy"),
                    ("test", "macro_accuracy"),
                    ("test_last_epoch", "accuracy"),
                )
            ]
            rows.append(row)
    header = ["cell", *(f"seed {seed}" for seed in results.seeds)]
    caption = "The same students on the upright image alone, at the cost of one"
    return caption, [*header, "mean", "macro", "last epoch"], rows


def _costs(results: Results) -> Table:
    """What the students cost, where their files were made."""
    rows, aggregated = [], []
    for cell in results.cells:
        files = [
            metrics["exports"]["tflite_int8"]
            for metrics in cell.metrics.values()
            if "tflite_int8" in metrics["exports"]
        ]
        if files:
            aggregated += [cell.name] * cell.aggregated
            accuracy = np.mean([file["accuracy"] for file in files])
            size = np.mean([file["size_bytes"] for file in files])
            times = [file["milliseconds"] for file in files]
            first = next(iter(cell.metrics.values()))
            rows.append(
                [
                    cell.name,
                    f"{first['parameters']:,}",
                    f"{size / 1024:,.0f} KiB",
                    percent(float(accuracy)),
                    f"{np.median(times):.2f} ms",
                    str(len(files)),
                ]
            )
    header = ["cell", "parameters", "int8 file", "its accuracy", "one image"]
    caption = "Files: int8, of the runs that have them"
    if aggregated:
        caption += (
            "; a file sees the upright image alone, also of those that are "
            f"measured over four rotations: {', '.join(aggregated)}"
        )
    return caption, [*header, "runs"], rows


def _frozen(results: Results) -> Table:
    """The classifiers on frozen features that trainings began with."""
    rows = []
    for cell in results.cells:
        found = {
            seed: metrics["frozen_head"]
            for seed, metrics in cell.metrics.items()
            if "frozen_head" in metrics
        }
        if found:
            row = [cell.name]
            row += [
                percent(found[s]["test_accuracy"]) if s in found else ""
                for s in results.seeds
            ]
            for metric in ("test_accuracy", "test_macro_accuracy"):
                values = [head[metric] for head in found.values()]
                row.append(percent(float(np.mean(values))))
            rows.append(row)
    header = ["cell", *(f"seed {seed}" for seed in results.seeds)]
    caption = "Logistic regression on the frozen features it begins with"
    return caption, [*header, "mean", "macro"], rows


def _rates(results: Results) -> Table:
    rows = [
        [
            cell.name,
            *("" if s is None else percent(s) for s in cell.rates.values()),
        ]
        for cell in results.cells
        if cell.rates
    ]
    caption = (
        "First learning rates: accuracy of the validation images, seed "
        f"{results.base.schedule.seed}; the best is taken for all seeds"
    )
    return (
        caption,
        ["cell", *(f"{rate:g}" for rate in results.settings.rates)],
        rows,
    )


def _contrast_table(
    caption: str, first: str, contrasts: Sequence[Contrast]
) -> Table:
    of_images = any(contrast.best.over_images for contrast in contrasts)
    header = [first, "seeds", "points", "95 % of seeds"]
    header += ["of images", "of both"] * of_images
    header += ["last epoch", "95 % of seeds"]
    rows = []
    for contrast in contrasts:
        best, last = contrast.best, contrast.last
        row = [contrast.name, str(len(best.seeds)), f"{100 * best.mean:+.2f}"]
        row.append(_range(best.over_seeds))
        if of_images:
            row += [_range(best.over_images), _range(best.over_both)]
        row += (
            ["", ""]
            if last is None
            else [f"{100 * last.mean:+.2f}", _range(last.over_seeds)]
        )
        rows.append(row)
    return caption, header, rows


def _range(interval: Sequence[float] | None) -> str:
    if interval is None:
        return ""
    return " to ".join(f"{100 * end:.1f}" for end in interval)


def _experts(results: Results) -> Table:
    rows = [
        [
            plan.config.networks.student,
            str(plan.config.schedule.seed),
            str(plan.config.schedule.epochs),
            "" if accuracy is None else percent(accuracy),
        ]
        for plan, accuracy in results.experts
    ]
    return "Experts", ["network", "seed", "epochs", "test"], rows


def _classes(results: Results) -> Iterator[Table]:
    """The paper's classes as measured, and the worst ones here."""
    # The study's own cell; matched baselines are no part of the table.
    measured: dict[str, list[_ClassRun]] = {}
    for metrics in results.cells[0].metrics.values():
        cells = confusion_cells(metrics["test"])
        for row, one in enumerate(metrics["test"]["per_class"]):
            answers = cells[cells[:, 0] == row]
            measured.setdefault(one["name"], []).append((row, one, answers))
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
    worst = sorted(shares, key=shares.__getitem__)[:_WORST]
    rows = [[display_name(name), *_class_row(measured, name)] for name in worst]
    yield "The least accurate classes here", ["class", *here], rows


# A class in one run: its row, its metrics, and its confusions.
_ClassRun = tuple[int, dict[str, Any], Array]


def _class_row(
    measured: Mapping[str, list[_ClassRun]], name: str | None
) -> tuple[str, str]:
    """Accuracy and main confusion of a class, over the seeds."""
    if name is None:
        return "", ""
    runs = measured[name]
    counts = [one["count"] for _, one, _ in runs]
    if not all(counts):
        return "", ""
    accuracy = np.mean([one["accuracy"] for _, one, _ in runs])
    _, predicted, numbers = np.concatenate([rows for *_, rows in runs]).T
    others = np.bincount(predicted, numbers, len(measured))
    others[runs[0][0]] = 0
    taken_for = ""
    if others.any():
        other = [*measured][int(others.argmax())]
        share = others.max() / numbers.sum()
        taken_for = f"{display_name(other)} ({100 * share:.0f} %)"
    return f"{100 * accuracy:.0f} (of {counts[0]})", taken_for


def cell_table(
    study: Study, names: set[str]
) -> tuple[list[str], list[list[str]]]:
    """The settings of cells: header and rows."""
    rows = [
        [cell.name, _words(cell.changes)]
        for cell in study.cells
        if cell.name in names
    ]
    return ["cell", "settings"], rows


def amount(results: Results) -> str:
    """How much there is to train, in a sentence."""
    chosen = [cell for cell in results.cells if cell.name in results.chosen]
    ended, runs = results.done
    epochs = results.runs_each * sum(cell.epochs for cell in chosen)
    experts = {
        plan.expert.folder: plan.expert.config.schedule.epochs
        for cell in chosen
        for plan in cell.plans.values()
        if plan.expert
    }
    text = f"{runs} runs, {epochs} epochs in all"
    if experts:
        text += f"; {len(experts)} experts, {sum(experts.values())} epochs"
    return f"{text}. {ended} of the runs have ended."


def _words(changes: Mapping[str, Any]) -> str:
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
