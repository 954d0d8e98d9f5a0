r"""Lists of files to leave out of a data set.

Each line is a name: a posix path relative to the root of the data set. Lines
that begin with `#` are comments. Some names cannot be a line as they are: those
that hold a line break, begin with `#`, a quote or a space, or are not UTF-8.
They are written as a JSON string, with `\udcXX` for a byte XX that is not
UTF-8, as Python's `os.fsdecode` does.
"""

import json
import os
import pathlib

from keras_artkd.datasets.records import Record, Skipped
from keras_artkd.files import write_text
from keras_artkd.text_files import decode
from keras_artkd.types import Path


def file_name(path: Path, root: Path) -> str:
    """Returns the exact name of a file for a list of exclusions.

    Unlike a record's key, it may be not printable.
    """
    relative = pathlib.PurePath(path).relative_to(root)
    return os.fsdecode(relative.as_posix())


def quoted(name: str) -> str:
    """Returns a file name as one printable line."""
    plain = name.isprintable() and name == name.strip()
    if plain and not name.startswith(("#", '"')):
        return name
    return json.dumps(name)


def write_exclusions(path: Path, reasons: dict[str, str], title: str) -> None:
    """Writes a list of files to leave out, atomically.

    Args:
        path: file to write.
        reasons: dict of file name -> reason, one line.
        title: str, one line: what the list is.
    """
    lines = [f"# {title}"]
    for name, reason in reasons.items():
        lines += [f"# {reason}", quoted(name)]
    write_text(path, "\n".join(lines) + "\n")


def read_exclusions(path: Path) -> list[str]:
    """Returns the file names in a list, in order.

    Raises:
        ValueError: if it is not a list of file names.
        OSError: if it cannot be read.
    """
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise OSError(
            "A list of files to exclude must be a file that can be read. "
            f"Received: {path} ({error.strerror}). Fix: artkd doctor DIR "
            "--fix-list FILE writes one."
        ) from error
    try:
        lines = [line.strip() for line in decode(content).split("\n")]
        return [
            json.loads(line) if line.startswith('"') else line
            for line in lines
            if line and not line.startswith("#")
        ]
    except ValueError as error:  # Of the encoding, or of JSON.
        raise ValueError(
            "A list of files to exclude must be UTF-8 text with one name a "
            f"line. Received: {path}, where {error}. Fix: write it again "
            "with artkd doctor DIR --fix-list FILE."
        ) from error


def exclude_records(
    records: list[Record], root: Path, path: Path
) -> tuple[list[Record], list[Skipped]]:
    """Leaves out the records that a list names.

    Args:
        records: list of `Record`, all of them files below `root`.
        root: directory that the names are relative to.
        path: the list, as `write_exclusions` writes it.

    Returns:
        `(records, skipped)`.

    Raises:
        ValueError: if a name is not among the records, or if fewer than two
            classes remain.
    """
    names = set(read_exclusions(path))
    stay, skipped = [], []
    for record in records:
        assert not isinstance(record.path, bytes)
        name = file_name(record.path, root)
        if name in names:
            names.remove(name)
            skipped.append(Skipped(record.key, f"excluded by {path}"))
        else:
            stay.append(record)
    if names:
        first = ", ".join(quoted(name) for name in sorted(names)[:3])
        raise ValueError(
            "Every file to exclude must be an image of the data directory. "
            f"Received: {path}, of whose names {len(names)} are not in "
            f"{str(root)!r}: {first}{', ...' * (len(names) > 3)}. Fix: names "
            "of files in that directory, relative to it: <class>/<image>."
        )
    if len({record.label for record in stay}) < 2:
        raise ValueError(
            "A classifier needs at least two classes with images. Received: "
            f"{path}, which excludes {len(skipped)} of the {len(records)} "
            f"images of {str(root)!r} and leaves fewer. Fix: a shorter list."
        )
    return stay, skipped
