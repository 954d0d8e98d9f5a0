"""Archives whose lists name the images of the train and the test split."""

import collections
import pathlib
import typing
from collections.abc import Mapping, Sequence

from keras_artkd.datasets.files import missing_message
from keras_artkd.datasets.records import Index, Record, Skipped
from keras_artkd.text_files import read_text
from keras_artkd.types import Path


class Row(typing.NamedTuple):
    """A line of a list.

    Attributes:
        key: str, name of the image, unique in the archive.
        label: int, class number.
        test: bool, whether it is of the test split.
        source: str, the name of the list.
    """

    key: str
    label: int
    test: bool
    source: str


def find_parts(
    root: Path, folder: str, names: Sequence[str], instructions: str
) -> list[pathlib.Path]:
    """Finds the parts of an archive.

    Args:
        root: the data directory.
        folder: str, usual name of a folder of the archive's own. The parts may
            be in it or beside it.
        names: files and folders that the archive must have, posix paths.
        instructions: str, how to get it, for the error message.

    Returns:
        list of paths, in the order of `names`.

    Raises:
        ValueError: if one of them is not there.
    """
    places = (pathlib.Path(root, folder), pathlib.Path(root))
    found = [
        next((p / name for p in places if (p / name).exists()), None)
        for name in names
    ]
    absent = [n for n, path in zip(names, found, strict=True) if path is None]
    if absent:
        raise ValueError(
            missing_message(" and ".join(absent), root, instructions)
        )
    return [path for path in found if path is not None]


def read_lines(path: Path) -> list[str]:
    """Returns the stripped lines of a list, without empty ones."""
    lines = read_text(path, fallback="utf-8").split("\n")
    return [line for line in map(str.strip, lines) if line]


def join_lists(
    class_names: Sequence[str],
    rows: Sequence[Row],
    files: Mapping[str, pathlib.Path],
    root: Path,
    instructions: str,
) -> Index:
    """Joins the rows of lists with the files on disk.

    Args:
        class_names: list of str.
        rows: list of `Row`. Of an image listed twice the first row counts, and
            rows of the test split come before others.
        files: dict of key -> path of the images on disk.
        root: the data directory, for the error message.
        instructions: str, how to get the archive, for the error message.

    Returns:
        `Index`, sorted by key. `skipped` lists the images that are missing on
        disk, and in one line those that no list names.

    Raises:
        ValueError: if a class has no image to train on, or to test with. An
            archive extracted in part is an example.
    """
    records: list[Record] = []
    skipped: list[Skipped] = []
    test_keys: set[str] = set()
    listed: set[str] = set()
    there: collections.Counter[tuple[int, bool]] = collections.Counter()
    for row in sorted(rows, key=lambda row: not row.test):
        if row.key in listed:
            skipped.append(
                Skipped(
                    row.key,
                    f"listed again in {row.source}, which was not used",
                )
            )
            continue
        listed.add(row.key)
        path = files.get(row.key)
        if path is None:
            skipped.append(
                Skipped(row.key, f"listed in {row.source}, but not on disk")
            )
            continue
        there[row.label, row.test] += 1
        records.append(Record(path, row.key, row.label, row.key))
        if row.test:
            test_keys.add(row.key)
    _check_classes(class_names, rows, there, root, instructions)
    unlisted = sorted(files.keys() - listed)
    if unlisted:
        others = len(unlisted) - 1
        more = f", as are {others} others" if others else ""
        skipped.append(Skipped(unlisted[0], f"on disk, but in no list{more}"))
    records.sort(key=lambda record: record.key)
    return Index(list(class_names), records, skipped, frozenset(test_keys))


def _check_classes(
    class_names: Sequence[str],
    rows: Sequence[Row],
    there: collections.Counter[tuple[int, bool]],
    root: Path,
    instructions: str,
) -> None:
    for test, purpose in ((False, "train on"), (True, "test with")):
        without = [
            label for label in range(len(class_names)) if not there[label, test]
        ]
        if without:
            name = class_names[without[0]]
            count = sum((r.label, r.test) == (without[0], test) for r in rows)
            raise ValueError(
                f"Every class must have images to {purpose}. Received: "
                f"data_dir={str(root)!r}, where {len(without)} of "
                f"{len(class_names)} have none, {name!r} among them, of which "
                f"the lists name {count}. Fix: extract the whole archive "
                f"again. {instructions}"
            )
