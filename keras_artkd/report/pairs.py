"""Pairs of classes that somebody names: which images were confused."""

import dataclasses
import difflib
import re
from collections.abc import Sequence

from keras_artkd.report import plots
from keras_artkd.report.figures import Drawing
from keras_artkd.report.gallery import find_taken_for
from keras_artkd.report.grids import GRID_DPI, image_grid
from keras_artkd.report.pictures import read_thumbnail
from keras_artkd.report.run import STUDENT, Run
from keras_artkd.report.text import display_name
from keras_artkd.types import Array

_COLUMNS = 6


@dataclasses.dataclass(frozen=True)
class Taken:
    """The test images of a class that were taken for another.

    Attributes:
        true: the name of their class.
        predicted: the name of the other class.
        of: the number of the class's test images.
        count: the number of those that were taken for the other.
        kept: the rows of those that the run's gallery has, most confident
            answer first.
    """

    true: str
    predicted: str
    of: int
    count: int
    kept: list[int]


Pair = tuple[Taken, Taken]
"""What was taken for each other: one way, and the other."""


def find_pairs(run: Run, names: Sequence[Sequence[str]]) -> list[Pair]:
    """Finds which images of pairs of classes were confused.

    Args:
        run: the run.
        names: pairs of class names. Case, blanks for underscores and a number
            in front do not matter, where only one class fits.

    Raises:
        ValueError: for a name that is no class, for a class and itself, and
            for a run that kept no answers or no pictures.
    """
    if names and not (run.logits and run.gallery):
        raise ValueError(
            "Pairs are shown of the run's answers and pictures. Received: "
            f"{run.path}, which kept no "
            f"{'gallery' if run.logits else 'predictions.npz'}. Fix: train "
            "the run again."
        )
    pairs = []
    for first, second in names:
        a, b = (_find_class(run, name) for name in (first, second))
        if a == b:
            raise ValueError(
                "A pair must be of two classes. Received: "
                f"{first!r} and {second!r}. Fix: give another class."
            )
        pairs.append((_taken(run, a, b), _taken(run, b, a)))
    return pairs


def draw_pairs(run: Run, pairs: Sequence[Pair]) -> dict[str, Drawing]:
    """Returns a figure of each pair, `pair-1` and so on, by name."""
    drawings = {}
    for number, pair in enumerate(pairs, 1):
        cells: list[list[Array | None]] = []
        titles = []
        for taken in pair:
            pictures: list[Array | None] = [
                read_thumbnail(run.gallery[row], square=True)
                for row in taken.kept
            ]
            pictures += [None] * (-len(pictures) % _COLUMNS)
            # A row at least: its title alone says that there is none.
            rows = [
                pictures[start : start + _COLUMNS]
                for start in range(0, max(1, len(pictures)), _COLUMNS)
            ]
            cells += rows
            titles += [_title(taken), *[""] * (len(rows) - 1)]
        drawings[f"pair-{number}"] = Drawing(
            f"pair-{number}",
            f"{_title(pair[0])}; {_title(pair[1])}.",
            image_grid(cells, titles, [""] * _COLUMNS),
            GRID_DPI,
        )
    return drawings


def _title(taken: Taken) -> str:
    true, predicted = (
        plots.cut(display_name(name), 20)
        for name in (taken.true, taken.predicted)
    )
    kept = len(taken.kept)
    shown = "all" if kept == taken.count else kept
    return (
        f"{true}, taken for {predicted}: {taken.count} of {taken.of} images"
        + f", {shown} shown" * (taken.count > 0)
    )


def _taken(run: Run, true: int, predicted: int) -> Taken:
    rows = find_taken_for(run.labels, run.logits[STUDENT], true, predicted)
    return Taken(
        true=run.class_names[true],
        predicted=run.class_names[predicted],
        of=int((run.labels == true).sum()),
        count=len(rows),
        kept=[row for row in rows if row in run.gallery],
    )


def _find_class(run: Run, name: str) -> int:
    """The index of the only class that a name fits."""
    names = run.class_names
    if name in names:
        return names.index(name)
    for read in (_spoken, _without_number):
        fitting = [i for i, own in enumerate(names) if read(own) == read(name)]
        if len(fitting) == 1:
            return fitting[0]
    spoken = {_without_number(own): own for own in names}
    near = difflib.get_close_matches(_without_number(name), spoken, n=1)
    hint = f" Perhaps you meant {spoken[near[0]]}." if near else ""
    raise ValueError(
        f"A pair must be of the run's classes. Received: {name!r}.{hint} Fix: "
        f"give one of {', '.join(names)}."
    )


def _spoken(name: str) -> str:
    return display_name(name).casefold()


def _without_number(name: str) -> str:
    """Without the number that archives put in front: 05_Baroque."""
    return re.sub(r"^\d+ (?=\S)", "", _spoken(name))
