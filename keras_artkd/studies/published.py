"""The papers' own tables, as printed, and which figures there are."""

import dataclasses
import functools
import json
import pathlib
from typing import Any

_FILE = pathlib.Path(__file__).with_name("published.json")


@dataclasses.dataclass(frozen=True)
class Table:
    """One table of a paper.

    Attributes:
        key: str, `<source>/<number>`, as 000/4.13; what only the text has is
            under `<source>/text:...`.
        kind: `"result"`, `"setting"` or `"structure"`.
        caption: str.
        columns: list of str.
        rows: list of lists of str and numbers, a value for each column.
        dataset: str, of results that are all of one data set.
        metric: str or None, of results: `accuracy_percent` or
            `params_million`.
        teacher, student, backbone: str or None, the networks.
        notes: str, what is odd about it.
    """

    key: str
    kind: str
    caption: str
    columns: list[str]
    rows: list[list[Any]]
    dataset: str = ""
    metric: str | None = None
    teacher: str | None = None
    student: str | None = None
    backbone: str | None = None
    notes: str = ""

    def column(self, name: str) -> dict[str, Any]:
        """Returns dict of the rows' first values -> that column's."""
        place = self.columns.index(name)
        return {row[0]: row[place] for row in self.rows}


@functools.cache
def published_tables() -> dict[str, Table]:
    """Returns dict of key -> `Table`, in the order of the papers."""
    tables = [
        Table(**{k: v for k, v in entry.items() if v is not None})
        for entry in _read()["tables"]
    ]
    return {table.key: table for table in tables}


def published_figures() -> dict[str, str]:
    """Returns dict of key, as 000/fig4.13, -> caption; of thesis 000 all."""
    figures: dict[str, str] = _read()["figures"]
    return figures


@functools.cache
def _read() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return content
