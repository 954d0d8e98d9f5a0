"""What a person has said of the pictures of a run, saved after each answer."""

import dataclasses
import pathlib
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_artkd.deploy.finished_run import check_load
from keras_artkd.files import read_arrays
from keras_artkd.measure.metrics import softmax
from keras_artkd.output import escaped
from keras_artkd.run_folder import DAMAGE, RunFolder
from keras_artkd.runs.label_rows import LATER, Entry, LabelRows

# As many as there are keys from 1 to 9.
GUESSES = 9
# Choices that are no class.
NONE = "none"
SKIP = "skip"


class OutOfStep(ValueError):
    """An answer is to another picture than the one that is asked about."""


class TableChanged(ValueError):
    """Another program has written the table since it was read."""


@dataclasses.dataclass(frozen=True)
class _Answer:
    """An answer, to take back or to give again.

    Attributes:
        image: str, the key of the picture.
        before: column -> value, as the table said.
        after: column -> value, as it says now.
    """

    image: str
    before: dict[str, str]
    after: dict[str, str]


def find_tables(folder: RunFolder) -> tuple[pathlib.Path, pathlib.Path]:
    """The table to read, and the one that a person's answers go into.

    A run that has learned from its table keeps it. Then the answers go into a
    copy, which is there after the first of them.

    Raises:
        ValueError: if the folder is no run's, or the run has no table.
    """
    if not folder.has_data:
        raise ValueError(
            f"The folder must be that of a run. Received: {folder}, without "
            "data.json. Fix: the folder that the training named."
        )
    own = folder.pseudo_labels
    has_learned = folder.is_finished or folder.checkpoint.exists()
    table = folder.corrected_labels if has_learned else own
    source = table if table.exists() else own
    if not source.exists():
        raise ValueError(
            f"The run must have a table of pseudo-labels. Received: {folder}, "
            f"without {own.name}. Fix: a run that learns from images without "
            "labels: artkd train FOLDER --unlabelled-dir OTHERS, with "
            "--labels-only to label before it learns."
        )
    return source, table


class Session:
    """One person's labelling of one run.

    The pictures come in the order of the table: first those that nobody has
    looked at, then those that were skipped. Every answer is in the file before
    the next picture is shown. Methods may be called from several threads.

    Args:
        folder: `RunFolder` of a run with a table of pseudo-labels.

    Attributes:
        table: path of the table that the answers go into, see
            `find_tables`.
        load: dict, how the run's images are loaded.
        class_names: list of str.
        images: list of str, keys of all images without labels. A picture is
            called by its number there, whatever becomes of the table.

    Raises:
        ValueError: see `find_tables`; and if a file of the run cannot be read.
    """

    def __init__(self, folder: RunFolder) -> None:
        source, self.table = find_tables(folder)
        self.load, self.class_names, self.images = _facts(folder)
        self._numbers = {key: number for number, key in enumerate(self.images)}
        self._logits = _read_logits(folder, len(self.class_names))
        self._lock = threading.Lock()
        self._done: list[_Answer] = []
        # Of this session, by picture: what another program must not undo.
        self._said: dict[str, _Answer] = {}
        self._read(source)

    def _read(self, path: pathlib.Path) -> None:
        rows = LabelRows(path)
        self._entries = self._understood(rows)
        self._rows = rows
        self._queue = [
            entry.row
            for later in (False, True)
            for entry in self._entries
            if self._is_open(entry) and (entry.checked == LATER) == later
        ]
        self._place = 0

    def _understood(self, rows: LabelRows) -> list[Entry]:
        return [*rows.entries(self._numbers, self.class_names)]

    def _is_open(self, entry: Entry) -> bool:
        """Whether no person has said what a picture is."""
        logits = self._logits.get(entry.image)
        expert = None if logits is None else int(logits.argmax())
        return not entry.is_by_person(expert)

    # --- What is asked ------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that the page shows, ready for `json.dump`."""
        with self._lock:
            return self._state()

    def _state(self) -> dict[str, Any]:
        open_ = [entry for entry in self._entries if self._is_open(entry)]
        pending = self._queue[self._place : self._place + 2]
        pictures = [self._picture(self._entries[row]) for row in pending]
        return {
            "total": len(self._entries),
            "done": len(self._entries) - len(open_),
            "later": sum(entry.checked == LATER for entry in open_),
            "picture": pictures[0] if pictures else None,
            # To be fetched meanwhile.
            "next": pictures[1]["number"] if len(pictures) > 1 else None,
            "can_undo": bool(self._done),
        }

    def _picture(self, entry: Entry) -> dict[str, Any]:
        return {
            "number": self._numbers[entry.image],
            # Folders may be the classes that were hidden.
            "name": escaped(pathlib.PurePosixPath(entry.image).name),
            "guesses": self._guesses(entry),
        }

    def _guesses(self, entry: Entry) -> list[dict[str, Any]]:
        """The expert's likeliest classes, with their probabilities."""
        logits = self._logits.get(entry.image)
        if logits is None:
            # An older run; its table says the likeliest alone.
            first = entry.expert if entry.expert is not None else entry.label
            others = [n for n in range(len(self.class_names)) if n != first]
            known = [] if first is None else [first]
            return [
                {"class": number, "share": None}
                for number in [*known, *others][:GUESSES]
            ]
        shares = softmax(logits[None])[0]
        order = np.argsort(-shares, kind="stable")[:GUESSES]
        return [
            {"class": int(number), "share": float(shares[number])}
            for number in order
        ]

    # --- What is answered ---------------------------------------------------

    def answer(self, number: int, choice: Any) -> dict[str, Any]:
        """Saves what a person says of the picture that is asked about.

        Args:
            number: int, of the picture.
            choice: number of its class, `NONE` for a picture that is none of
                them, or `SKIP`.

        Returns:
            The `state` after it.

        Raises:
            OutOfStep: if another picture is asked about, as of another window.
            TableChanged: if another program wrote the table.
            ValueError: for another choice.
            OSError: if the table cannot be written. Then, as of the others,
                nothing is changed.
        """
        after = self._cells(choice)
        with self._lock:
            pending = self._queue[self._place : self._place + 1]
            row = pending[0] if pending else None
            if row is None or self._number(row) != number:
                raise OutOfStep(
                    "This picture has been answered, in another window. Here "
                    "is the next one."
                )
            before = self._read_cells(row)
            answer = _Answer(self._entries[row].image, before, after)
            self._save({row: after})
            self._done.append(answer)
            self._said[answer.image] = answer
            self._place += 1
            return self._state()

    def undo(self) -> dict[str, Any]:
        """Takes the last answer back, and asks about its picture again.

        Raises:
            TableChanged: see `answer`.
            OSError: see `answer`.
        """
        with self._lock:
            if self._done:
                answer = self._done[-1]
                self._save({self._queue[self._place - 1]: answer.before})
                self._done.pop()
                self._said.pop(answer.image, None)
                self._place -= 1
            return self._state()

    def again(self) -> dict[str, Any]:
        """Asks about the skipped pictures, after all others; see `reload`."""
        with self._lock:
            self._check_unchanged()
            self._read(self._rows.path)
            self._done.clear()
            return self._state()

    def reload(self) -> dict[str, Any]:
        """Reads the table as another program left it.

        Answers of this session that are not in it are put back, where the file
        says what it said before them. What another program wrote stays.

        Returns:
            The `state`, and `restored` and `lost`: numbers of answers.

        Raises:
            ValueError: if it cannot be read.
        """
        with self._lock:
            path = self.table if self.table.exists() else self._rows.path
            self._read(path)
            self._done.clear()
            missing: dict[int, dict[str, str]] = {}
            lost = 0
            for entry in self._entries:
                answer = self._said.get(entry.image)
                now = self._read_cells(entry.row)
                if answer is None or _says(now, answer.after):
                    continue
                if _says(now, answer.before):
                    missing[entry.row] = answer.after
                else:
                    lost += 1
            if missing:
                self._save(missing)
                self._read(self._rows.path)
            there = {entry.image for entry in self._entries}
            return {
                **self._state(),
                "restored": len(missing),
                "lost": lost + len({*self._said} - there),
            }

    def _number(self, row: int) -> int:
        return self._numbers[self._entries[row].image]

    def _cells(self, choice: Any) -> dict[str, str]:
        """What a choice writes into a row."""
        if choice == SKIP:
            return {"checked": LATER}
        if choice == NONE:
            return {"used": "no", "checked": "yes"}
        if type(choice) is not int or not 0 <= choice < len(self.class_names):
            raise ValueError(
                "An answer must be the number of a class, none or skip. "
                f"Received: {choice!r:.50}."
            )
        name = self.class_names[choice]
        return {"label": name, "used": "yes", "checked": "yes"}

    def _read_cells(self, row: int) -> dict[str, str]:
        return {
            column: self._rows.get(row, column) or ""
            for column in ("label", "used", "checked")
        }

    def _save(self, changes: Mapping[int, Mapping[str, str]]) -> None:
        """Writes the table with some rows changed, or changes nothing."""
        self._check_unchanged()
        before = {row: self._read_cells(row) for row in changes}
        self._put(changes)
        try:
            self._rows.write(self.table)
        except BaseException:
            self._put(before)
            raise
        self._entries = self._understood(self._rows)

    def _put(self, changes: Mapping[int, Mapping[str, str]]) -> None:
        for row, cells in changes.items():
            for column, value in cells.items():
                self._rows.put(row, column, value)

    def _check_unchanged(self) -> None:
        # Of a copy that is still to be made none may have come in between.
        new = self._rows.path != self.table and self.table.exists()
        if new or self._rows.has_changed():
            raise TableChanged(
                f"Another program has changed {self.table.name} since it was "
                "read, perhaps a spreadsheet. Your last answer is not saved, "
                "so that nothing is overwritten."
            )


def _says(cells: Mapping[str, str], answer: Mapping[str, str]) -> bool:
    """Whether cells are as an answer leaves them."""
    return all(cells[column] == value for column, value in answer.items())


def _facts(folder: RunFolder) -> tuple[dict[str, Any], list[str], list[str]]:
    """How a run's images are loaded, its classes, and what has no label."""
    data = folder.data
    try:
        names = [str(name) for name in data["class_names"]]
        unlabelled = data["splits"].get("unlabelled", ())
        load = dict(data["load"])
        check_load(load)
        return load, names, [str(key) for key in unlabelled]
    except DAMAGE as error:
        raise ValueError(
            "The run's files are not what this version writes. Received: "
            f"{folder} ({error!r:.300}). Fix: run it again."
        ) from error


def _read_logits(folder: RunFolder, classes: int) -> dict[str, Any]:
    """What the expert said of each picture; empty of an older run."""
    if not folder.expert_answers.exists():
        return {}
    fix = "remove it; the percentages are then not shown"
    arrays = read_arrays(folder.expert_answers, fix)
    keys, logits = arrays.get("keys"), arrays.get("logits")
    if (
        keys is None
        or logits is None
        or logits.shape != (len(keys), classes)
        or logits.dtype.kind != "f"
    ):
        raise ValueError(
            "The expert's answers must be keys and logits of the run's "
            f"classes. Received: {folder.expert_answers}. Fix: {fix}."
        )
    return dict(zip(map(str, keys), logits, strict=True))
