"""The papers' tables with networks that know something to begin with."""

import dataclasses
from typing import Any

from keras_artkd.catalogue.methods import get_method
from keras_artkd.studies import paper_001, thesis_000, thesis_002
from keras_artkd.studies.inheriting import SETTINGS
from keras_artkd.studies.study import Cell, Study

_TABLES = {
    study.key: study
    for paper in (thesis_000, paper_001, thesis_002)
    for study in paper.STUDIES
}
_PARTS = "000/parts"
_AGAIN = (_PARTS, "000/4.13", "001/2", "002/4.8")
# As large as pooling's head; with fewer, or of norm 1, AWGram loses points on
# inherited maps (docs/results.md).
_AWGRAM = {"head": "awgram", "head_channels": 128}


def _changes(cell: Cell) -> dict[str, Any]:
    """A paper's cell for students that inherit."""
    changes = cell.changes
    head = changes.get("head", get_method(changes["method"]).head)
    return changes | (_AWGRAM if head == "awgram" else {"head": "pool"})


def _name(key: str, name: str) -> str:
    return f"{key}: {name}"


def _papers() -> Study:
    cells: dict[str, Cell] = {}
    for key in _AGAIN:
        for cell in _TABLES[key].cells:
            changes = _changes(cell)
            if all(changes != other.changes for other in cells.values()):
                name = _name(key, cell.name)
                cells[name] = dataclasses.replace(
                    cell, name=name, changes=changes, published={}, against=None
                )
    contrasts = {
        part: tuple(
            (_name(_PARTS, without), _name(_PARTS, having))
            for without, having in pairs
        )
        for part, pairs in _TABLES[_PARTS].contrasts.items()
    }
    return Study(
        "own/papers",
        "The papers' methods with students that inherit, and an expert that "
        "knows more",
        tuple(cells.values()),
        ("your images",),
        reference=_name(_PARTS, "student alone"),
        settings=SETTINGS,
        contrasts=contrasts,
        splits=True,
        notes=(
            f"The cells of {', '.join(_AGAIN)}, each configuration once, with "
            "the default options of their methods. Student and initial "
            "teacher inherit; AWGram has 128 channels and norm 8. SKDSAM's "
            "weight of 100 is of maps of 512 channels, those here have fewer."
        ),
    )


STUDIES = (_papers(),)
