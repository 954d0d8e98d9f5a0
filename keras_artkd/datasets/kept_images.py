"""The files of decoded images that are kept on disk.

A folder. `pixels` holds the images end to end. `rows.jsonl` has a line for each
file of the data set, written after its pixels: a process that is killed leaves
a beginning, and the next goes on from there. `complete.json` says that all are
there, and how the two files looked then.
"""

import contextlib
import errno
import hashlib
import io
import json
import logging
import os
import pathlib
import shutil
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from keras_artkd.data.images import fit_square
from keras_artkd.data.pixels import CHANNELS, PixelFile
from keras_artkd.files import read_json, remove, write_json
from keras_artkd.output import progress_bar
from keras_artkd.types import Array

PIXELS, ROWS, COMPLETE = "pixels", "rows.jsonl", "complete.json"


class Decoded(NamedTuple):
    """What is known of a file of a data set, once it was decoded.

    Attributes:
        key: see `Record`.
        label: the same.
        group: the same.
        exact: digest of its pixels.
        either_way: the same for its mirror image.
        flaw: why it cannot be read; "" if it can.
        height: of what is kept, pixels.
        width: the same.
        check: CRC-32 of what is kept.
    """

    key: str
    label: int
    group: str
    exact: str = ""
    either_way: str = ""
    flaw: str = ""
    height: int = 0
    width: int = 0
    check: int = 0

    @property
    def area(self) -> int:
        """Pixels that are kept."""
        return self.height * self.width

    def of(self, pixels: Array) -> "Decoded":
        """The same, of the size of some pixels."""
        return self._replace(height=pixels.shape[0], width=pixels.shape[1])


Stream: TypeAlias = Iterator[tuple[Decoded, Array | None]]
Decode: TypeAlias = Callable[[int], Stream]
"""Yields what each file of a data set holds, from the one of a number on."""


def write(
    place: pathlib.Path,
    kept: list[Decoded],
    following: Stream,
    fit: str,
    count: int,
) -> None:
    """Writes what follows the rows that are kept, then that it is complete."""
    begun = f", from the {len(kept):,} that are there" if kept else ""
    tell(f"Keeping {count:,} images decoded in {place}{begun}.")
    place.mkdir(exist_ok=True)
    bar = progress_bar("Decoding", count, len(kept))
    try:
        with (
            contextlib.closing(bar),
            # Unbuffered: what was written stays if the process is killed.
            open(place / PIXELS, "ab", buffering=0) as pixel_file,
            open(place / ROWS, "ab", buffering=0) as row_file,
        ):
            for row, pixels in following:
                if pixels is not None:
                    pixels = np.ascontiguousarray(fit_square(pixels, fit))
                    row = row.of(pixels)._replace(check=zlib.crc32(pixels.data))
                    _write_all(pixel_file, pixels)
                line = json.dumps(row) + "\n"
                _write_all(row_file, np.frombuffer(line.encode(), "uint8"))
                bar.update()
            for file in (pixel_file, row_file):
                os.fsync(file.fileno())
        write_json(place / COMPLETE, _looks(place))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise full(place, f"{count:,} images") from error


def _write_all(file: io.FileIO, data: Array) -> None:
    """Writes all of it; a disk that is nearly full takes a part first."""
    view = data.data.cast("B")
    while view:
        view = view[file.write(view) :]


def full(place: pathlib.Path, what: str) -> OSError:
    """The error of a disk that has no room for what is to be kept."""
    free = shutil.disk_usage(place.parent).free
    return OSError(
        errno.ENOSPC,
        f"The disk must have room for decoded images. Received: {what}, and "
        f"{free / 1e9:.3g} GB free. Fix: free some and run it again, which "
        "goes on from what is there; or another disk, --data-options cache_dir "
        "FOLDER; or a smaller --image-size, or --limit",
        str(place),
    )


def _looks(place: pathlib.Path) -> list[list[int]]:
    """Size and time of the files of a cache."""
    files = [(place / name).stat() for name in (PIXELS, ROWS)]
    return [[file.st_size, file.st_mtime_ns] for file in files]


def is_complete(place: pathlib.Path) -> bool:
    """Whether all images are there, and nothing changed since."""
    try:
        complete: bool = read_json(place / COMPLETE) == _looks(place)
    except (OSError, ValueError):
        return False
    return complete


def resume(place: pathlib.Path) -> list[Decoded]:
    """The first rows of a cache whose pixels are as they were written.

    What follows is cut off. So is what was damaged since, and is made again.
    """
    if not place.exists():
        return []
    remove(place / COMPLETE)
    for path in place.glob("digest-*"):
        path.unlink()
    rows, good, length = [], 0, 0
    with (
        open(place / ROWS, "ab+") as row_file,
        open(place / PIXELS, "ab+") as pixel_file,
    ):
        row_file.seek(0)
        pixel_file.seek(0)
        for line in row_file:
            row = _parse(line)
            if row is None:
                break
            data = pixel_file.read(CHANNELS * row.area)
            if len(data) != CHANNELS * row.area or (
                not row.flaw and zlib.crc32(data) != row.check
            ):
                break
            rows.append(row)
            good += len(line)
            length += len(data)
        row_file.truncate(good)
        pixel_file.truncate(length)
    return rows


def _parse(line: bytes) -> Decoded | None:
    try:
        row = Decoded(*json.loads(line))
    except (ValueError, TypeError):
        return None
    return row if line.endswith(b"\n") else None


def opened(place: pathlib.Path) -> tuple[list[Decoded], PixelFile]:
    """Rows and pixels of a folder that is complete."""
    os.utime(place / COMPLETE)  # For `last_used`.
    lines = (place / ROWS).read_bytes()
    rows = [Decoded(*json.loads(line)) for line in lines.splitlines()]
    identity = hashlib.sha256(lines).hexdigest()
    return rows, PixelFile(place / PIXELS, identity)


def last_used(place: pathlib.Path) -> float:
    """When a folder was last opened or written to, as files have it."""
    for path in (place / COMPLETE, place / ROWS, place):
        if path.exists():
            return path.stat().st_mtime
    return 0.0


def size_of(place: pathlib.Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in place.glob("*"))


def tell(text: str) -> None:
    """Says what goes on; it may take a while."""
    logging.getLogger(__name__).warning(text)
