"""The table of pseudo-labels as a person may have left it.

Its rows are kept as they were written, also columns that are a person's own, so
that it can be written again with a few cells changed. It imports no framework.
"""

import csv
import dataclasses
import difflib
import hashlib
import io
import pathlib
from collections.abc import Collection, Iterator, Sequence

from keras_artkd.files import write_text
from keras_artkd.text_files import (
    cell_value,
    decode,
    safe_cell,
    table_reader,
)
from keras_artkd.types import Path

COLUMNS = ("image", "label", "expert", "confidence", "used", "checked")
LATER = "later"
# Of which a person's corrections are read.
_READ = ("image", "label", "used")
_USED = {"yes": True, "no": False}
_CHECKED = ("", "no", "yes", LATER)


@dataclasses.dataclass(frozen=True)
class Entry:
    """What a line of the table says.

    Attributes:
        row: int, its place among the rows, from 0.
        image: str, the key of the image.
        used: whether it is learned from.
        label: int, the class that it is taken for; None where it is not used,
            and the line names no class.
        expert: int, the class that the expert named; None where no column says
            so.
        checked: whether a person looked at it: "yes" where the label is the
            person's word, `LATER` where the person could not say.
    """

    row: int
    image: str
    used: bool
    label: int | None
    expert: int | None
    checked: str

    def is_by_person(self, expert: int | None = None) -> bool:
        """Whether the label is a person's word.

        Args:
            expert: int, the expert's class where the line does not name it.
        """
        if self.checked == "yes":
            return True
        said = expert if self.expert is None else self.expert
        return self.used and said is not None and self.label != said


class LabelRows:
    """The rows of a table, as text.

    Attributes:
        path: of the file.
        digest: str, of the file's bytes as they were read or written last.

    Raises:
        ValueError: if it cannot be read, naming the line.
        OSError: if there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = pathlib.Path(path)
        content = self.path.read_bytes()
        self.digest = hashlib.sha256(content).hexdigest()
        self._header, self._rows, self._lines = _read(self.path, content)
        self._columns = {name: i for i, name in enumerate(self._header)}

    def __len__(self) -> int:
        """The number of images."""
        return len(self._rows)

    def get(self, row: int, column: str) -> str | None:
        """The value of a cell; None where the row has none."""
        place, cells = self._columns.get(column), self._rows[row]
        if place is None or place >= len(cells):
            return None
        return cell_value(cells[place])

    def put(self, row: int, column: str, value: str) -> None:
        """Sets the value of a cell; a new column stands after the others."""
        if column not in self._columns:
            self._columns[column] = len(self._header)
            self._header.append(column)
            for cells in self._rows:
                # Cells beyond the header are a person's; they stay last.
                if len(cells) >= len(self._header):
                    cells.insert(len(self._header) - 1, "")
        cells = self._rows[row]
        place = self._columns[column]
        cells += [""] * (place + 1 - len(cells))
        cells[place] = safe_cell(value)

    def write(self, path: Path) -> None:
        """Writes the table, atomically, as CSV in UTF-8; it is `path` now.

        Raises:
            OSError: if it cannot be written.
        """
        text = table_text(self._header, self._rows)
        write_text(path, text)
        self.path = pathlib.Path(path)
        self.digest = hashlib.sha256(text.encode()).hexdigest()

    def has_changed(self) -> bool:
        """Whether another program has written the file since, or removed it."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return True
        return hashlib.sha256(content).hexdigest() != self.digest

    def entries(
        self, images: Collection[str], class_names: Sequence[str]
    ) -> Iterator[Entry]:
        """Yields what the rows say.

        Args:
            images: keys of the images that may be in the table.
            class_names: list of str.

        Raises:
            ValueError: for what cannot be understood, naming the line.
        """
        numbers = {name: number for number, name in enumerate(class_names)}
        seen: dict[str, int] = {}
        for row, line in enumerate(self._lines):
            image, used, label = (self.get(row, column) for column in _READ)
            if image is None or used is None or label is None:
                raise self._unreadable(
                    line,
                    "it has fewer columns than the first line",
                    "all of them",
                )
            if image not in images:
                raise self._unreadable(
                    line,
                    f"{image!r} is none of the {len(images)} unlabelled images",
                    "leave the line out, or the image's name as it was",
                )
            if image in seen:
                raise self._unreadable(
                    line,
                    f"{image!r} is in line {seen[image]} already",
                    "one line for each image",
                )
            seen[image] = line
            yield self._entry(row, image, numbers)

    def _entry(self, row: int, image: str, numbers: dict[str, int]) -> Entry:
        line, used = self._lines[row], self.get(row, "used") or ""
        if used.strip().lower() not in _USED:
            raise self._unreadable(line, f"`used` is {used!r}", "yes or no")
        checked = (self.get(row, "checked") or "").strip().lower()
        if checked not in _CHECKED:
            raise self._unreadable(
                line, f"`checked` is {checked!r}", "yes, or nothing"
            )
        is_used = _USED[used.strip().lower()]
        # A class of an image that is not used does not matter.
        label = self._class_number(line, row, "label", numbers, is_used)
        expert = self._class_number(line, row, "expert", numbers, is_used)
        return Entry(row, image, is_used, label, expert, checked)

    def _class_number(
        self,
        line: int,
        row: int,
        column: str,
        numbers: dict[str, int],
        needed: bool,
    ) -> int | None:
        """The number of the class that a cell names."""
        name = self.get(row, column)
        if name is None:
            return None
        for known in (name, name.strip()):
            if known in numbers:
                return numbers[known]
        if not needed:
            return None
        if not name.strip():
            raise self._unreadable(
                line, "there is no class", "a class, or no in `used`"
            )
        near = difflib.get_close_matches(name.strip(), numbers, n=1)
        raise self._unreadable(
            line,
            f"there is no class {name.strip()!r}",
            f"perhaps {near[0]}" if near else f"one of {', '.join(numbers)}",
        )

    def _unreadable(self, line: int, received: str, fix: str) -> ValueError:
        return _unreadable(self.path, line, received, fix)


def table_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as the text of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _read(
    path: pathlib.Path, content: bytes
) -> tuple[list[str], list[list[str]], list[int]]:
    """The header of a file, its rows, and the number of each row's line."""
    try:
        text = decode(content)
    except UnicodeError as error:
        raise ValueError(
            "A table of pseudo-labels must be UTF-8 text. Received: "
            f"{path} ({error}). Fix: save it as CSV, UTF-8."
        ) from error
    reader = table_reader(text)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header: list[str] = next(reader, [])
        missing = [column for column in _READ if column not in header]
        if missing:
            raise _unreadable(
                path,
                1,
                f"no column {' and no column '.join(missing)}",
                f"a first line {','.join(COLUMNS)}",
            )
        for cells in reader:
            if cells:
                rows.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise _unreadable(
            path, reader.line_num, str(error), "save it as CSV again"
        ) from error
    return header, rows, lines


def _unreadable(
    path: pathlib.Path, line: int, received: str, fix: str
) -> ValueError:
    return ValueError(
        "A table of pseudo-labels must have an image, its class and whether "
        f"to use it in each line. Received: {path}, line {line}: {received}. "
        f"Fix: {fix}."
    )
