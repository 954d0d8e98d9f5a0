"""Tables of a study as text."""

from collections.abc import Sequence


def markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], align: str = "right"
) -> str:
    """A Markdown table; all but the first column are aligned as said."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    mark = {"left": "---", "right": "---:"}[align]
    marks = ["---", *(mark for _ in header[1:])]
    return "\n".join(line(cells) for cells in (header, marks, *rows))
