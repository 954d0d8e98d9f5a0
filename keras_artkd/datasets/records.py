"""Labelled image files, and their decoding into an `ImageStore`."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from keras_artkd.data.images import UnreadableImage, read_image
from keras_artkd.data.store import ImageStore
from keras_artkd.data.threads import map_threads
from keras_artkd.types import Array, Path

Reader: TypeAlias = Callable[[Path | bytes, int | None], Array]
"""Decodes a file or its bytes at a short side, as `read_image` does."""


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


def read_records(
    records: Iterable[Record],
    short_side: int | None,
    threads: int | None = None,
    keep_repeated: bool = False,
    read: Reader = read_image,
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

    Returns:
        `(store, groups, digests, skipped)`: an `ImageStore`, for each of its
        images the group and the `picture_digest` (lists of str), and the
        `Skipped` list. A repeated image is one of equal pixels: mirror images
        stay.
    """

    def decode(record: Record) -> tuple[Record, Array | str, str, str]:
        """The record, with pixels and their digests, or with the reason."""
        try:
            pixels = read(record.path, short_side)
        except UnreadableImage as error:
            return record, str(error), "", ""
        return record, pixels, *_digests(pixels)

    duplicates = Duplicates()
    images: list[Array] = []
    kept: list[Record] = []
    digests: list[str] = []
    skipped: list[Skipped] = []
    for record, pixels, exact, either_way in map_threads(
        decode, records, threads
    ):
        if isinstance(pixels, str):
            skipped.append(Skipped(record.key, pixels))
            continue
        keep, remark = True, None
        if not keep_repeated:
            keep, remark = duplicates.check(record.key, record.label, exact)
        if remark is not None:
            skipped.append(remark)
        if keep:
            images.append(pixels)
            kept.append(record)
            digests.append(either_way)
    store = ImageStore.from_images(
        images, [r.label for r in kept], [r.key for r in kept]
    )
    return store, [r.group for r in kept], digests, skipped
