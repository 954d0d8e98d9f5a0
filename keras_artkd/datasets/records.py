"""Labelled image files, and their decoding into an `ImageStore`."""

import dataclasses
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from keras_artkd.data.images import UnreadableImage, read_image
from keras_artkd.data.store import ImageStore
from keras_artkd.data.threads import map_threads
from keras_artkd.datasets.image_cache import ImageCache, Source
from keras_artkd.datasets.kept_images import Decoded
from keras_artkd.types import Array, Path

Reader: TypeAlias = Callable[[Path | bytes, int | None], Array]
"""Decodes a file or its bytes at a short side, as `read_image` does."""

_NO_LIMIT = 2**62


@dataclasses.dataclass(frozen=True)
class Record:
    """One labelled image file.

    Attributes:
        path: the file, or the encoded bytes themselves.
        key: str, unique in the data set: posix path relative to its root.
        label: int, class number.
        group: str, the artist, or the key itself where none is known. In an
            artist-disjoint protocol no group is in two splits.
    """

    path: Path | bytes
    key: str
    label: int
    group: str


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file that was left out, or should be looked at, and the reason."""

    key: str
    reason: str


def content_digest(pixels: Array) -> str:
    """Digests a uint8 `(height, width, 3)` array, shape included."""
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(pixels.data)  # Requires C order, which decoders give.
    return digest.hexdigest()


def picture_digest(pixels: Array) -> str:
    """Digests a uint8 `(height, width, 3)` array or its mirror image, alike.

    Training mirrors images. Therefore a picture whose mirror image is in
    another split is known there.
    """
    return _digests(pixels)[1]


def _digests(pixels: Array) -> tuple[str, str]:
    """`content_digest` and `picture_digest`; each array is hashed once."""
    exact = content_digest(pixels)
    mirror_image = np.ascontiguousarray(pixels[:, ::-1])
    return exact, min(exact, content_digest(mirror_image))


@dataclasses.dataclass(frozen=True)
class Index:
    """The images of an archive by its names and lists, nothing decoded yet.

    Attributes:
        class_names: list of str; the labels of `records` are positions in it.
        records: list of `Record`.
        skipped: list of `Skipped`.
        test_keys: keys of the archive's own test split, where it has one.
    """

    class_names: list[str]
    records: list[Record]
    skipped: list[Skipped]
    test_keys: frozenset[str] = frozenset()


class Duplicates:
    """Finds equal images among those that come one after the other."""

    def __init__(self) -> None:
        # digest -> {label: key of the first}
        self._seen: dict[str, dict[int, str]] = {}

    def check(
        self, key: str, label: int, digest: str
    ) -> tuple[bool, Skipped | None]:
        """Returns `(keep, Skipped or None)` for the next image.

        Within a class only the first of equal images stays. Across classes
        both stay, and the second is listed, because one label must be wrong.
        The split keeps them together by their equal digests.
        """
        first = self._seen.setdefault(digest, {})
        if label in first:
            return False, Skipped(key, f"same picture as {first[label]}")
        first[label] = key
        if len(first) == 1:
            return True, None
        other = next(iter(first.values()))
        return True, Skipped(
            key, f"kept, but its label conflicts: same picture as {other}"
        )


def source_of(records: Sequence[Record]) -> Source:
    """What some files are, by their names, sizes and times."""
    return Source([_look(record) for record in records], len(records))


def _look(record: Record) -> list[str | int]:
    what: list[str | int] = [record.key, record.label, record.group]
    assert not isinstance(record.path, bytes)
    try:
        file = os.stat(record.path)
    except OSError:
        return what
    return [*what, file.st_size, file.st_mtime_ns]


def read_records(
    records: Iterable[Record],
    short_side: int | None,
    threads: int | None = None,
    keep_repeated: bool = False,
    read: Reader = read_image,
    cache: ImageCache | None = None,
    source: Source | None = None,
) -> tuple[ImageStore, list[str], list[str], list[Skipped]]:
    """Decodes image files; leaves out unreadable files and repeated images.

    Args:
        records: iterable of `Record`; a generator is read a chunk at a time.
        short_side: int, pixels, or `None` for the stored sizes.
        threads: int, decoding threads; Pillow releases the interpreter lock.
            Defaults to one per usable core.
        keep_repeated: bool, whether repeated images stay, as in a split that
            somebody else fixed.
        read: function that decodes a path or bytes at a short side.
        cache: `ImageCache`, in which images are that are too many for memory.
            None keeps them in memory.
        source: `Source` of the records, for the cache.

    Returns:
        `(store, groups, digests, skipped)`: an `ImageStore`, for each of its
        images the group and the `picture_digest` (lists of str), and the
        `Skipped` list. A repeated image is one of equal pixels: mirror images
        stay.

    Raises:
        ValueError: if the cache is too small.
        OSError: if it cannot be written, or the disk is full.
    """

    def decode(record: Record) -> tuple[Decoded, Array | None]:
        """What is known of a file, and its pixels."""
        row = Decoded(record.key, record.label, record.group)
        try:
            pixels = read(record.path, short_side)
        except UnreadableImage as error:
            return row._replace(flaw=str(error) or "cannot be read"), None
        exact, either_way = _digests(pixels)
        return row._replace(exact=exact, either_way=either_way), pixels

    def decoded(first: int) -> Iterator[tuple[Decoded, Array | None]]:
        following = itertools.islice(records, first, None)
        return map_threads(decode, following, threads)

    if cache is None or source is None:
        cache, source = ImageCache(memory=_NO_LIMIT), Source(None, 0)
    else:
        how = [short_side, read.__module__, read.__qualname__]
        source = Source([how, source.identity], source.count)
    rows, pixels, offsets = cache.read(decoded, source)
    duplicates = Duplicates()
    kept: list[Decoded] = []
    places: list[int] = []
    skipped: list[Skipped] = []
    place = -1
    for row in rows:
        if row.flaw:
            skipped.append(Skipped(row.key, row.flaw))
            continue
        place += 1
        keep, remark = True, None
        if not keep_repeated:
            keep, remark = duplicates.check(row.key, row.label, row.exact)
        if remark is not None:
            skipped.append(remark)
        if keep:
            kept.append(row)
            places.append(place)
    store = ImageStore(
        pixels=pixels,
        offsets=offsets[np.array(places, "int64")],
        sizes=np.array(
            [(row.height, row.width) for row in kept], "int32"
        ).reshape(-1, 2),
        labels=np.array([row.label for row in kept], "int32"),
        keys=np.array([row.key for row in kept], str),
    )
    if store.in_memory and len(kept) < len(offsets):
        # Its pixels are those of its images alone.
        store = store.take(np.arange(len(kept)))
    groups, digests = [r.group for r in kept], [r.either_way for r in kept]
    return store, groups, digests, skipped
