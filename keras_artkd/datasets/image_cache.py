"""Decoded images, in memory or, where they are too many for it, on disk."""

import collections
import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import PIL

from keras_artkd.data.memory import BUDGET, CACHE_SIZE
from keras_artkd.data.pixels import CHANNELS, Pixels, can_read_at_place, in_use
from keras_artkd.datasets.kept_images import (
    PIXELS,
    Decode,
    Decoded,
    Stream,
    full,
    is_complete,
    last_used,
    opened,
    resume,
    size_of,
    tell,
    write,
)
from keras_artkd.files import remove
from keras_artkd.output import progress_bar
from keras_artkd.types import Array, Path

# Changes with what `data.images` makes of a file.
_VERSION = 1
# Seconds. It takes less to open a cache, and much more to make one.
_PATIENCE = 2.0


@dataclasses.dataclass(frozen=True)
class Source:
    """What images come from.

    Attributes:
        identity: what JSON can hold; changes whenever the files do.
        count: int, of files.
    """

    identity: Any
    count: int


class _Begun(NamedTuple):
    """What was decoded before there was too much of it, and what follows."""

    rows: list[Decoded]
    images: collections.deque[Array]
    rest: Stream

    def resumed(self) -> Stream:
        """All of it; what was decoded leaves the memory on the way."""
        for row in self.rows:
            yield row, None if row.flaw else self.images.popleft()
        yield from self.rest


def default_folder() -> pathlib.Path:
    """Where data is kept that was prepared: beside that of TFDS."""
    there = os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
    return pathlib.Path(there, "keras_artkd").expanduser()


class ImageCache:
    """Decoded images of one request, in memory or on disk.

    They are in memory as long as all of them together keep to a budget.

    Args:
        folder: where caches are kept; `default_folder` if None.
        size: float, gigabytes that all caches may take.
        fit: how images are made square, see `images.fit_square`.
        memory: int, bytes that all decoded images may take in memory; `BUDGET`
            if None.
    """

    def __init__(
        self,
        folder: Path | None = None,
        size: float = CACHE_SIZE,
        fit: str = "crop",
        memory: int | None = None,
    ) -> None:
        if not size > 0:
            raise ValueError(
                "`cache_size` must be positive, in gigabytes. Received: "
                f"cache_size={size}."
            )
        root = default_folder() if folder is None else pathlib.Path(folder)
        self.folder = root.expanduser() / "images"
        self.size = size
        self.fit = fit
        self.memory = BUDGET if memory is None else memory

    def read(
        self, decode: Decode, source: Source
    ) -> tuple[list[Decoded], Pixels, Array]:
        """Decodes all files of a data set, or finds them decoded.

        Args:
            decode: `Decode`.
            source: `Source`.

        Returns:
            `(rows, pixels, offsets)`: a `Decoded` of each file, in order; the
            pixels of all that can be read, as they are in memory and square
            where they are on disk and `fit` says so; and where each begins,
            int64, `(n,)`.

        Raises:
            ValueError: if they take more than the cache may.
            OSError: if they cannot be kept, for lack of room for example.
        """
        place = self.folder / self._name(source)
        if place.exists():
            return self._on_disk(place, decode, source.count)
        rows: list[Decoded] = []
        images: collections.deque[Array] = collections.deque()
        taken, decoded = 0, decode(0)
        with contextlib.closing(progress_bar("Decoding", source.count)) as bar:
            for row, pixels in decoded:
                bar.update()
                if pixels is not None:
                    row = row.of(pixels)
                    images.append(pixels)
                    taken += pixels.nbytes
                rows.append(row)
                if taken > self.memory and can_read_at_place():
                    break
            else:
                self.memory -= taken
                return rows, *_joined(rows, images)
        begun = _Begun(rows, images, decoded)
        return self._on_disk(place, decode, source.count, begun)

    def _name(self, source: Source) -> str:
        """16 hexadecimal digits, of all that decides the pixels."""
        what = [_VERSION, PIL.__version__, self.fit, source.identity]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]

    def _on_disk(
        self,
        place: pathlib.Path,
        decode: Decode,
        count: int,
        begun: "_Begun | None" = None,
    ) -> tuple[list[Decoded], Pixels, Array]:
        """The images of a cache, which is made, or completed, before."""
        with self._lock(place):
            if not is_complete(place):
                kept = resume(place)
                if kept or begun is None:
                    known, following = kept, decode(len(kept))
                else:
                    known, following = list(begun.rows), begun.resumed()
                self._make_room(place, known, count)
                write(place, kept, following, self.fit, count)
            rows, pixels = opened(place)
        return rows, pixels, _offsets(rows)

    @contextlib.contextmanager
    def _lock(self, place: pathlib.Path) -> Iterator[None]:
        """A cache is looked at, made and removed by one process at a time."""
        import filelock

        lock = filelock.FileLock(self._lock_file(place))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=_PATIENCE)
            except filelock.Timeout:
                tell("Another process decodes these images; waiting for it.")
                lock.acquire()
        except OSError as error:
            raise OSError(
                error.errno,
                "Images that are too many for memory must be kept in a folder "
                "that can be written. Fix: another one, --data-options "
                f"cache_dir FOLDER ({error.strerror})",
                str(self.folder),
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _lock_file(self, place: pathlib.Path) -> pathlib.Path:
        return self.folder / f".{place.name}.lock"

    def _make_room(
        self, place: pathlib.Path, rows: list[Decoded], count: int
    ) -> None:
        """Removes older caches, until another has room.

        Args:
            place: its folder.
            rows: what is known of its images.
            count: int, of all of them.
        """
        areas = [
            row.area if self.fit == "crop" else min(row.height, row.width) ** 2
            for row in rows
        ]
        needed = int(CHANNELS * sum(areas) / max(len(areas), 1) * count)
        pixels = place / PIXELS
        there = pixels.stat().st_size if pixels.exists() else 0
        what = f"{count:,} images, decoded about {needed / 1e9:.3g} GB"
        smaller = "a smaller --image-size, or --limit"
        if needed > self.size * 1e9:
            raise ValueError(
                "Decoded images must have room in the cache. Received: "
                f"{what}, of which --cache-size allows {self.size:g}. Fix: a "
                f"larger --cache-size, {smaller}."
            )
        others = sorted(
            (path for path in self.folder.iterdir() if _is_cache(path, place)),
            key=last_used,
        )
        taken = {path: size_of(path) for path in others}
        for path in [*others, None]:
            too_many = needed + sum(taken.values()) > self.size * 1e9
            free = shutil.disk_usage(self.folder).free
            if not too_many and free >= needed - there:
                return
            if path is not None and self._remove(path):
                del taken[path]
        if not too_many:
            raise full(place, what)
        raise ValueError(
            "All decoded images must keep to --cache-size. Received: "
            f"{what}, beside {sum(taken.values()) / 1e9:.3g} GB that other "
            f"processes use, and --cache-size {self.size:g}. Fix: wait for "
            f"them; or a larger --cache-size, {smaller}."
        )

    def _remove(self, place: pathlib.Path) -> bool:
        """Removes a cache, unless it is used; tells whether it is gone."""
        import filelock

        lock = filelock.FileLock(self._lock_file(place))
        try:
            with lock.acquire(timeout=0):
                if in_use(place / PIXELS):
                    return False
                tell(f"Removing older decoded images: {place}")
                remove(place)
                return True
        except filelock.Timeout:
            return False


def _joined(
    rows: list[Decoded], images: Iterable[Array]
) -> tuple[Array, Array]:
    """Images in memory, as one array, and where each begins."""
    empty = np.empty((0, CHANNELS), "uint8")
    flat = [empty, *(image.reshape(-1, CHANNELS) for image in images)]
    return np.concatenate(flat), _offsets(rows)


def _offsets(rows: list[Decoded]) -> Array:
    """Where each image begins, of those that can be read."""
    areas = np.array([row.area for row in rows if not row.flaw], "int64")
    offsets: Array = np.cumsum(areas) - areas
    return offsets


def _is_cache(path: pathlib.Path, own: pathlib.Path) -> bool:
    return path.is_dir() and path != own and not path.name.startswith(".")
