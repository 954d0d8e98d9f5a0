"""All studies by key, and the other keys that find them."""

import difflib

from keras_artkd.studies import (
    inheriting,
    labels,
    paper_001,
    paper_003,
    papers_again,
    thesis_000,
    thesis_002,
)
from keras_artkd.studies.descriptions import DESCRIBED
from keras_artkd.studies.published import (
    Table,
    published_figures,
    published_tables,
)
from keras_artkd.studies.study import Study

SOURCES = {
    "own": "what inherited weights, and images without labels, are worth",
    "000": "art style classification by collaborative teaching",
    "001": "decoupled distillation with perception reconstruction",
    "002": "self-distillation with self-attention",
    "003": "mutual distillation in stages, against adversaries",
}
_MODULES = (
    inheriting,
    labels,
    papers_again,
    thesis_000,
    paper_001,
    thesis_002,
    paper_003,
)
STUDIES: dict[str, Study] = {
    study.key: study for module in _MODULES for study in module.STUDIES
}
_ALSO = {key: study for study in STUDIES.values() for key in study.also}


def find_study(key: str) -> Study:
    """The `Study` of a table or figure.

    Raises:
        ValueError: for an unknown key, a table of settings, and a figure
            that no study draws.
    """
    study = STUDIES.get(key) or _ALSO.get(key)
    if study is None and key in published_figures():
        raise ValueError(
            "A figure must be one of numbers to be a study. Received: "
            f"{key!r}, {published_figures()[key]!r}. Fix: where a command "
            "draws it, docs/ names it beside the figure's number."
        )
    if study is None:
        known = [*STUDIES, *_ALSO, *DESCRIBED]
        near = difflib.get_close_matches(key, known, n=3)
        raise ValueError(
            "The study must be one that `artkd study` lists. "
            f"Received: {key!r}."
            + (f" Perhaps you meant {' or '.join(near)}." if near else "")
        )
    return study


def listing() -> str:
    """Every study in a line of text, by source."""
    tables = published_tables()
    lines = []
    for source, title in SOURCES.items():
        lines += ["", f"{source}: {title}"]
        keys = [key for key in tables if key.startswith(source)]
        keys += [k for k in STUDIES if k.startswith(source) and k not in tables]
        for key in keys:
            lines.append(f"  {key:24} {_line(key, tables)}")
    lines += [
        "",
        "004 prints no numbers: its methods are pseudo_hard, pseudo_soft, "
        "equation, mixed (artkd methods).",
    ]
    return "\n".join(lines[1:])


def _line(key: str, tables: dict[str, Table]) -> str:
    if key in DESCRIBED:
        return f"{tables[key].caption} (looked up, not trained)"
    study = STUDIES[key]
    also = f", {', '.join(study.also)}" if study.also else ""
    cells = f"{len(study.cells)} cell{'s' if len(study.cells) > 1 else ''}"
    return f"{study.caption} ({cells}; {', '.join(study.datasets)}{also})"
