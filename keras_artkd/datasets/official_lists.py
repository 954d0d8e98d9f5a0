"""Archives whose own lists say which images train and which test."""

import collections
import pathlib
import typing

from keras_artkd.datasets.files import missing_message
from keras_artkd.datasets.records import Index, Record, Skipped


class Row(typing.NamedTuple):
    """A line of a list.

    Attributes:
        key: str, what the image is called, unique in the archive.
        label: int, class number.
        test: bool, whether it is of the test split.
        source: str, the name of the list.
    """

    key: str
    label: int
    test: bool
    source: str


def find_parts(root, folder, names, instructions):
    """Where the parts of an archive are.

    Args:
        root: the data directory.
        folder: name of the folder that the archive makes, or that people
            make for it: the parts may be in it or beside it.
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
    return found


def read_lines(path):
    """The lines of a list, stripped, but empty ones; of any line ends."""
    text = pathlib.Path(path).read_text("utf-8-sig", errors="replace")
    return [line for line in map(str.strip, text.split("\n")) if line]


def join_lists(class_names, rows, files, root, instructions):
    """Joins what lists name with the files on disk.

    Args:
        class_names: list of str.
        rows: list of `Row`. Of an image listed twice the first row counts,
            rows of the test split before others.
        files: dict of key -> path of the images on disk.
        root: the data directory, for the error message.
        instructions: str, how to get the archive, for the error message.

    Returns:
        `Index`, sorted by key. `skipped` has what is listed and not there,
        and one line for all that is there and not listed.

    Raises:
        ValueError: if a class has no image to train on, or to test with, as
            where an archive was extracted in part.
    """
    records, skipped, test_keys, listed = [], [], set(), set()
    there = collections.Counter()
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


def _check_classes(class_names, rows, there, root, instructions):
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
