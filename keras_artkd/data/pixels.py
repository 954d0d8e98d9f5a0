"""Pixels of decoded images in files, read where they are needed; NumPy only.

A file is read, not mapped: the pages of a map count as memory of the process
(docs/scale.md has the figures).
"""

import hashlib
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from keras_artkd.files import write_text
from keras_artkd.types import Array, Path

# Bytes of a pixel.
CHANNELS = 3


class PixelFile:
    """uint8 `(pixels, 3)` in a file; a slice of it is read at its place.

    While it is open, `in_use` says so of the file. Any number of threads may
    read at once.

    Args:
        path: the file.
        identity: str, digest of all that it holds.

    Raises:
        OSError: if it cannot be opened.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = pathlib.Path(path)
        self.identity = identity
        # Closed with this object; a file that is removed stays until then.
        self._file = open(path, "rb", buffering=0)
        self._length = os.fstat(self._file.fileno()).st_size // CHANNELS
        _mark(self._file.fileno(), alone=False)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: slice) -> Array:
        """Reads the pixels from `place.start` to before `place.stop`."""
        start, wanted = int(place.start), int(place.stop - place.start)
        data = os.pread(
            self._file.fileno(), wanted * CHANNELS, start * CHANNELS
        )
        if len(data) != wanted * CHANNELS:
            raise OSError(
                "Decoded images must stay as they were kept. Received: "
                f"{self.path}, which is cut short. Fix: run it again, with "
                "--resume; what is missing is decoded again."
            )
        return np.frombuffer(data, "uint8").reshape(-1, CHANNELS)

    def remembered(self, what: str, make: Callable[[], str]) -> str:
        """A digest that takes long to make, kept beside the file.

        Args:
            what: hex digest of all that it depends on.
            make: function that returns it, a line.
        """
        path = self.path.parent / f"digest-{what}"
        try:
            return path.read_text("utf-8").strip()
        except (OSError, ValueError):
            made = make()
        try:
            write_text(path, made + "\n")
        except OSError:
            pass  # The disk is full: it is made again.
        return made


class JoinedPixels:
    """Pixels of several files and arrays, one after the other.

    Args:
        parts: arrays `(pixels, 3)` and `PixelFile`s. What is read lies in one.
    """

    def __init__(self, parts: Sequence["Array | PixelFile"]) -> None:
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, place: slice) -> Array:
        """The pixels from `place.start` to before `place.stop`."""
        part = int(np.searchsorted(self._ends, place.start, side="right"))
        first = int(self._ends[part - 1]) if part else 0
        pixels: Array = self._parts[part][
            place.start - first : place.stop - first
        ]
        return pixels

    @property
    def parts(self) -> "list[Array | PixelFile]":
        """What was joined."""
        return list(self._parts)


Pixels: TypeAlias = Array | PixelFile | JoinedPixels
"""uint8 `(pixels, 3)`, RGB, in memory or in files."""


def parts_of(pixels: Pixels) -> "list[Array | PixelFile]":
    """The arrays and files that some pixels lie in."""
    return pixels.parts if isinstance(pixels, JoinedPixels) else [pixels]


def pixels_digest(pixels: Pixels) -> bytes:
    """Digest of some pixels, without reading those that lie in files."""
    digest = hashlib.sha256()
    for part in parts_of(pixels):
        if isinstance(part, PixelFile):
            digest.update(part.identity.encode())
        else:
            digest.update(np.ascontiguousarray(part).data)
    return digest.digest()


def can_read_at_place() -> bool:
    """Whether this system reads files at a place and marks them."""
    return hasattr(os, "pread") and os.name == "posix"


def in_use(path: Path) -> bool:
    """Whether a process has a file open as `PixelFile`."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _mark(file, alone=True)
    finally:
        os.close(file)


def _mark(file: int, alone: bool) -> bool:
    """Marks an open file as used, until it is closed; False if it cannot be.

    Args:
        file: descriptor.
        alone: whether nobody else may use it.
    """
    import fcntl  # Not there on every system.

    how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:  # Used, or a disk of the network without marks.
        return False
    return True
