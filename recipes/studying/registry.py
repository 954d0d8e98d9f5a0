"""All studies by key, and under which other keys they are found."""

import difflib

from recipes.studying import paper_001, thesis_000, thesis_002
from recipes.studying.descriptions import DESCRIBED
from recipes.studying.published import published_tables

SOURCES = {
    "000": "art style classification by collaborative teaching",
    "001": "decoupled distillation with perception reconstruction",
    "002": "self-distillation with self-attention",
}
STUDIES = {
    study.key: study
    for module in (thesis_000, paper_001, thesis_002)
    for study in module.STUDIES
}
_ALSO = {key: study for study in STUDIES.values() for key in study.also}


def find_study(key):
    """The `Study` of a table or figure; None for one of settings.

    Raises:
        ValueError: for an unknown key.
    """
    if key in DESCRIBED:
        return None
    study = STUDIES.get(key) or _ALSO.get(key)
    if study is None:
        known = [*STUDIES, *_ALSO, *DESCRIBED]
        near = difflib.get_close_matches(key, known, n=3)
        raise ValueError(
            "The study must be one that `python -m recipes.study` lists. "
            f"Received: {key!r}."
            + (f" Perhaps you meant {' or '.join(near)}." if near else "")
        )
    return study


def listing():
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
        "003 and 004 print no numbers: their methods are ms_mgans and "
        "pseudo_hard, pseudo_soft, equation, mixed (artkd methods).",
    ]
    return "\n".join(lines[1:])


def _line(key, tables):
    if key in DESCRIBED:
        return f"{tables[key].caption} (looked up, not trained)"
    study = STUDIES[key]
    also = f", {', '.join(study.also)}" if study.also else ""
    cells = f"{len(study.cells)} cell{'s' if len(study.cells) > 1 else ''}"
    return f"{study.caption} ({cells}; {', '.join(study.datasets)}{also})"
