"""The page of one run."""

import pathlib

import jinja2
import numpy as np

from keras_artkd.evaluate import softmax
from keras_artkd.report import text
from keras_artkd.report.gallery import find_confusions
from keras_artkd.report.measures import (
    agreements,
    attention_spreads,
    class_results,
    guesses,
    headline,
    mean_confidence,
)
from keras_artkd.report.pictures import attention_grid, data_uri, file_uri
from keras_artkd.statistics import FEWEST_CALIBRATED

# Beyond, a matrix with a number in each cell cannot be read.
MATRIX_CLASSES = 30
# Without a matrix so many classes are listed, the others upon request.
_LISTED_CLASSES = 12
_LISTED_FILES = 20


def environment(*folders):
    """The Jinja2 environment of the templates; escapes what it is given.

    Args:
        *folders: paths of folders with further templates.
    """
    folders = [*folders, pathlib.Path(__file__).parent]
    result = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    result.filters.update(
        label=text.display_name,
        role=text.role_name,
        of_hundred=text.of_hundred,
        percent=text.percent,
        percent_range=text.percent_range,
        points=text.points,
        size=text.size_text,
        count=text.count_text,
        milliseconds=text.milliseconds_text,
        small=text.small_text,
        words=text.join_words,
    )
    return result


def run_page(run, drawings, in_run=True):
    """Returns the HTML of a run's report.

    Args:
        run: `Run`.
        drawings: of `keras_artkd.report.figures.draw_run`.
        in_run: whether the page will lie in the run's folder, beside the
            figures.
    """
    results = class_results(run)
    matrix = confusion_rows(run)
    listed = None if matrix else _LISTED_CLASSES
    return (
        environment()
        .get_template("run.html")
        .render(
            run=run,
            in_run=in_run,
            test=run.metrics["test"],
            measures=headline(run),
            guess=guesses(run),
            teachers=agreements(run),
            matrix=matrix,
            classes=results[:listed],
            more_classes=results[listed:] if listed else [],
            absent=[
                name
                for name, entry in zip(
                    run.class_names,
                    run.metrics["test"]["per_class"],
                    strict=True,
                )
                if not entry["count"]
            ],
            overview=drawings.get("classes") if listed else None,
            mistakes=_mistakes(run),
            attention=_attention(run),
            calibration=drawings.get("calibration"),
            confidence=mean_confidence(run) if run.logits else None,
            few=run.metrics["test"]["num_examples"] < FEWEST_CALIBRATED,
            training=[
                drawing
                for name, drawing in drawings.items()
                if name.startswith("training-")
            ],
            spreads=_spreads(run, drawings),
            networks=networks(run),
            files=files(run),
            skipped=run.data["skipped"][:_LISTED_FILES],
            more_skipped=run.data["skipped"][_LISTED_FILES:],
            settings=settings(run.config),
        )
    )


def confusion_rows(run):
    """The confusion matrix, None where it would be too large to read.

    Returns:
        list of dicts: name of the true class, its count, and cells
        `(predicted name, count, share of the row, on the diagonal)`.
    """
    names = run.class_names
    if len(names) > MATRIX_CLASSES:
        return None
    rows = []
    matrix = run.metrics["test"]["confusion_matrix"]
    for index, (name, counts) in enumerate(zip(names, matrix, strict=True)):
        total = sum(counts)
        rows.append(
            {
                "name": name,
                "count": total,
                "cells": [
                    (other, count, count / max(total, 1), column == index)
                    for column, (other, count) in enumerate(
                        zip(names, counts, strict=True)
                    )
                ],
            }
        )
    return rows


def _mistakes(run):
    """The most frequent confusions, with pictures."""
    if not run.logits or not run.gallery:
        return []
    names = run.class_names
    logits = run.logits["student"]
    sizes = np.bincount(run.labels, minlength=len(names))
    probabilities = softmax(logits)
    predictions = logits.argmax(axis=1)

    def pictures(rows):
        return [
            {
                "uri": file_uri(run.gallery[row]),
                "key": str(run.keys[row]),
                "confidence": probabilities[row].max(),
                "true": names[run.labels[row]],
                "predicted": names[predictions[row]],
            }
            for row in rows
            if row in run.gallery
        ]

    return [
        {
            "true": names[confusion.true],
            "predicted": names[confusion.predicted],
            "count": confusion.count,
            "of": int(sizes[confusion.true]),
            "pictures": pictures(confusion.rows),
            "typical_predicted": pictures(confusion.typical_predicted),
            "typical_true": pictures(confusion.typical_true),
        }
        for confusion in find_confusions(run.labels, logits)
    ]


def _spreads(run, drawings):
    """How unequally exits count: list of `(Spread, Drawing)`."""
    drawn = [
        drawing
        for name, drawing in drawings.items()
        if name.startswith("spread-")
    ]
    return [*zip(attention_spreads(run), drawn, strict=True)]


def _attention(run):
    """Rows of pictures under the attention of each network and mapping."""
    grid = attention_grid(run)
    if grid is None:
        return None
    return {
        "endpoint": run.attention.endpoint,
        "columns": [
            (role, list(maps)) for role, maps in run.attention.maps.items()
        ],
        "rows": [
            {
                "true": row.true,
                "predicted": row.predicted,
                "key": str(run.keys[row.row]),
                "uri": data_uri(row.picture),
                "overlays": [
                    (role, mapping, data_uri(pixels))
                    for role, overlays in zip(
                        run.attention.maps, row.overlays, strict=True
                    )
                    for mapping, pixels in overlays.items()
                ],
            }
            for row in grid
        ],
    }


def networks(run):
    """What each network costs, as far as the run says it.

    Returns:
        list of dicts: role, name, parameters, multiply_adds, size_bytes,
        milliseconds.
    """
    unknown = dict.fromkeys(("multiply_adds", "size_bytes", "milliseconds"))
    if "networks" in run.metrics:
        return [{**unknown, **network} for network in run.metrics["networks"]]
    own = {"name": run.config["student"], **run.metrics}
    return [
        {
            "role": role,
            "name": values["name"],
            "parameters": values["parameters"],
            **unknown,
        }
        for role, values in [
            ("student", own),
            *((role, run.metrics[role]) for role in run.teachers),
        ]
    ]


def files(run):
    """The files to deploy, as far as the run measured them."""
    unknown = dict.fromkeys(("runtime", "milliseconds", "accuracy"))
    return [
        {**unknown, **export}
        for export in run.metrics.get("exports", {}).values()
    ]


def settings(config):
    """Every setting, as words: list of `(name, value)`."""

    def words(value):
        if isinstance(value, dict):
            return ", ".join(f"{k} {v}" for k, v in value.items()) or text.NONE
        if isinstance(value, list):
            return ", ".join(map(str, value)) or text.NONE
        if isinstance(value, bool):
            return "yes" if value else "no"
        return text.NONE if value is None else str(value)

    return [
        (name.replace("_", " "), words(value)) for name, value in config.items()
    ]
