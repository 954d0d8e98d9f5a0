"""Text files that people hand over, however their system wrote them.

Windows and its spreadsheets write a mark of the encoding in front, UTF-16,
other line ends, semicolons between the columns and a first line `sep=;`.
"""

import codecs
import csv
import io
import pathlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # It imports NumPy, which a command line does without.
    from keras_artkd.types import Path

# By which spreadsheets separate columns.
_DELIMITERS = ",;\t"
# Lines that tell which.
_SNIFFED = 20
# A spreadsheet runs a cell that begins so.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(content: bytes, fallback: str | None = None) -> str:
    r"""The text of a file, with `\n` at the ends of its lines.

    Args:
        content: bytes, in UTF-8 or UTF-16.
        fallback: name of the encoding where it is neither.

    Raises:
        ValueError: if it is neither, and there is no fallback.
    """
    encoding = "utf-8-sig"
    if content.startswith(_UTF16):
        encoding = "utf-16"
    elif len(content) > 1 and 0 in content[:2]:
        # Without the mark: the other half of a letter is zero.
        encoding = "utf-16-be" if content[0] == 0 else "utf-16-le"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if fallback is None:
            raise
        content = content.removeprefix(codecs.BOM_UTF8)
        text = content.decode(fallback, errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: "Path", fallback: str | None = None) -> str:
    """Reads a text file, see `decode`.

    Raises:
        ValueError: if it is no text.
        OSError: if it cannot be read.
    """
    return decode(pathlib.Path(path).read_bytes(), fallback)


def table_reader(text: str) -> Any:
    """A reader of the rows of a table, whatever separates its columns.

    `line_num` counts the lines of `text`, also a first one `sep=;`.

    Args:
        text: str, as `decode` returns it.
    """
    stream = io.StringIO(text, newline="")
    first = text.partition("\n")[0]
    if first.lower().startswith("sep=") and len(first) == len("sep=;"):
        stream.readline()
        return csv.reader(stream, delimiter=first[-1], strict=True)
    return csv.reader(stream, delimiter=_delimiter(text), strict=True)


def _delimiter(text: str) -> str:
    """What divides the first lines into equally many columns, and most."""
    lines = [line for line in text.split("\n")[:_SNIFFED] if line]

    def columns(delimiter: str) -> tuple[bool, int]:
        rows = csv.reader(lines, delimiter=delimiter)
        counts = {len(row) for row in rows}
        return len(counts) == 1 and counts != {1}, max(counts, default=0)

    # Of equals the first.
    return max(_DELIMITERS, key=columns)


def safe_cell(value: str) -> str:
    """A cell that no spreadsheet takes for a formula: with a quote in front."""
    return f"'{value}" if value.startswith((*_FORMULA, "'")) else value


def cell_value(cell: str) -> str:
    """What `safe_cell` was given."""
    quoted = cell.startswith("'") and cell[1:].startswith((*_FORMULA, "'"))
    return cell[1:] if quoted else cell
