"""The HTML page of one run."""

import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
import numpy as np

from keras_artkd.measure.confusions import confusion_matrix
from keras_artkd.measure.intervals import FEWEST_CALIBRATED
from keras_artkd.measure.metrics import softmax
from keras_artkd.report import text
from keras_artkd.report.figures import Drawing
from keras_artkd.report.gallery import find_confusions
from keras_artkd.report.measures import (
    ExitWeights,
    Spread,
    agreements,
    attention_spreads,
    class_results,
    exit_weights,
    guesses,
    headline,
    mean_confidence,
)
from keras_artkd.report.pairs import Pair
from keras_artkd.report.pictures import attention_grid, data_uri, file_uri
from keras_artkd.report.plot_exits import weight_bounds
from keras_artkd.report.predictions import (
    distillation_temperature,
    predictions,
    shades,
)
from keras_artkd.report.run import STUDENT, Run
from keras_artkd.run_folder import RunFolder
from keras_artkd.types import Path

# A matrix of more classes is too large to read.
MATRIX_CLASSES = 30
# Without a matrix so many classes are listed, and the others on demand.
_LISTED_CLASSES = 12
_LISTED_FILES = 20


def environment(*folders: Path) -> jinja2.Environment:
    """The Jinja2 environment of the templates; it escapes every value.

    Args:
        *folders: folders with more templates.
    """
    result = jinja2.Environment(
        loader=jinja2.FileSystemLoader(
            [*folders, pathlib.Path(__file__).parent]
        ),
        autoescape=True,
        finalize=text.for_page,
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


def run_page(
    run: Run,
    drawings: Mapping[str, Drawing],
    in_run: bool = True,
    pairs: Sequence[Pair] = (),
) -> str:
    """Returns the HTML of a run's report.

    Args:
        run: the run.
        drawings: of `keras_artkd.report.figures.draw_run`.
        in_run: whether the page will be in the run's folder, beside the
            figures.
        pairs: of `keras_artkd.report.pairs.find_pairs`.
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
            pairs=[
                [(taken, _pictures(run, taken.kept)) for taken in pair]
                for pair in pairs
            ],
            attention=_attention(run),
            calibration=drawings.get("calibration"),
            predictions=drawings.get("predictions-means"),
            temperature=distillation_temperature(run),
            probable=probable_rows(run),
            confidence=mean_confidence(run) if run.logits else None,
            few=run.metrics["test"]["num_examples"] < FEWEST_CALIBRATED,
            training=_begin_with("training-", drawings),
            exits=_exits(run, drawings),
            spreads=_spreads(run, drawings),
            networks=networks(run),
            files=files(run),
            strangers=_strangers(run),
            label_command=shlex.join(
                ["artkd", "label", str(run.path.resolve())]
            ),
            skipped=run.data["skipped"][:_LISTED_FILES],
            more_skipped=run.data["skipped"][_LISTED_FILES:],
            settings=settings(run.config),
        )
    )


def confusion_rows(run: Run) -> list[dict[str, Any]] | None:
    """The confusion matrix, None if it is too large to read.

    Returns:
        For each true class its name, count, and cells `(predicted name,
        count, share of the row, on the diagonal)`.
    """
    names = run.class_names
    if len(names) > MATRIX_CLASSES:
        return None
    rows = []
    matrix = confusion_matrix(run.metrics["test"]).tolist()
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


def probable_rows(run: Run) -> list[tuple[str, list[dict[str, Any]]]]:
    """The mean predictions of each network, none if they are too large to read.

    Returns:
        For each role, rows of the classes that occur: its name, and cells
        `(predicted name, mean probability, shade, on the diagonal)`.
    """
    names, networks = run.class_names, predictions(run)
    if len(names) > MATRIX_CLASSES or not networks:
        return []
    return [
        (
            network.role,
            [
                {
                    "name": name,
                    "cells": [
                        (other, share, shade, column == index)
                        for column, (other, share, shade) in enumerate(
                            zip(names, row.tolist(), dark.tolist(), strict=True)
                        )
                    ],
                }
                for index, (name, row, dark) in enumerate(
                    zip(names, network.matrix, shaded, strict=True)
                )
                if not np.isnan(row[0])
            ],
        )
        for network, shaded in zip(networks, shades(networks), strict=True)
    ]


def _mistakes(run: Run) -> list[dict[str, Any]]:
    """The most frequent confusions, with pictures."""
    if not run.logits or not run.gallery:
        return []
    names = run.class_names
    sizes = np.bincount(run.labels, minlength=len(names))
    return [
        {
            "true": names[confusion.true],
            "predicted": names[confusion.predicted],
            "count": confusion.count,
            "of": int(sizes[confusion.true]),
            "pictures": _pictures(run, confusion.rows),
            "typical_predicted": _pictures(run, confusion.typical_predicted),
            "typical_true": _pictures(run, confusion.typical_true),
        }
        for confusion in find_confusions(run.labels, run.logits[STUDENT])
    ]


def _pictures(run: Run, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Those of some test images that are in the gallery, and their answers."""
    logits = run.logits[STUDENT]
    return [
        {
            "uri": file_uri(run.gallery[row]),
            "key": str(run.keys[row]),
            "confidence": softmax(logits[row : row + 1]).max(),
            "true": run.class_names[run.labels[row]],
            "predicted": run.class_names[int(logits[row].argmax())],
        }
        for row in rows
        if row in run.gallery
    ]


def _strangers(run: Run) -> list[dict[str, Any]]:
    """Images that are unlike the labelled ones, as far as they are there."""
    folder = RunFolder(run.path).left_out
    shown = run.metrics.get("pseudo_labels", {}).get("left_out", [])
    return [
        {**image, "uri": file_uri(file)}
        for image in shown
        # A name alone, whatever the file of the run says.
        if (file := folder / pathlib.PurePath(image["file"]).name).is_file()
    ]


def _exits(
    run: Run, drawings: Mapping[str, Drawing]
) -> list[tuple[ExitWeights, tuple[float, float], Drawing]]:
    """The weights of exits, their least and most, and their figures."""
    drawn = _begin_with("weights-", drawings)
    return [
        (weights, weight_bounds(len(weights.curves)), drawing)
        for weights, drawing in zip(exit_weights(run), drawn, strict=True)
    ]


def _spreads(
    run: Run, drawings: Mapping[str, Drawing]
) -> list[tuple[Spread, Drawing]]:
    """The attention to exits, and its figures."""
    drawn = _begin_with("spread-", drawings)
    return [*zip(attention_spreads(run), drawn, strict=True)]


def _begin_with(prefix: str, drawings: Mapping[str, Drawing]) -> list[Drawing]:
    """The drawings of one kind, in order."""
    return [d for name, d in drawings.items() if name.startswith(prefix)]


def _attention(run: Run) -> dict[str, Any] | None:
    """Rows of pictures under the attention of each network and mapping."""
    grid = attention_grid(run)
    if grid is None or run.attention is None:
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


def networks(run: Run) -> list[dict[str, Any]]:
    """The cost of each network; unknown numbers are None.

    Returns:
        For each its role, name, parameters, multiply_adds, size_bytes,
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
            (STUDENT, own),
            *((role, run.metrics[role]) for role in run.teachers),
        ]
    ]


def files(run: Run) -> list[dict[str, Any]]:
    """The files to deploy; unknown numbers are None."""
    unknown = dict.fromkeys(("runtime", "milliseconds", "accuracy"))
    return [
        {**unknown, **export}
        for export in run.metrics.get("exports", {}).values()
    ]


def settings(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every setting as words: its name and its value."""

    def words(value: Any) -> str:
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
