"""Labelled image files, and how they become an `ImageStore`."""

import concurrent.futures
import dataclasses
import hashlib
import itertools
import os

from keras_artkd.image_store import ImageStore
from keras_artkd.images import UnreadableImage, read_image

# Decoded together: keeps every thread busy, and a generator of encoded images
# is never in memory as a whole.
_CHUNK = 1024


@dataclasses.dataclass(frozen=True)
class Record:
    """One labelled image file.

    Attributes:
        path: where its content is: a path, or the encoded bytes themselves.
        key: str, unique in the data set: posix path relative to its root.
        label: int, class number.
        group: str, what must not straddle splits in an artist-disjoint
            protocol: the artist, or the key itself where none is known.
    """

    path: str | os.PathLike | bytes
    key: str
    label: int
    group: str


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file that was left out, or deserves a look, and why (one line)."""

    key: str
    reason: str


def content_digest(pixels):
    """Short digest of a uint8 `(height, width, 3)` array, shape included."""
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(pixels)  # Wants C order, which decoders give.
    return digest.hexdigest()


def count_threads():
    """How many threads decode when nobody says."""
    if hasattr(os, "sched_getaffinity"):  # Respects containers and taskset.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclasses.dataclass(frozen=True)
class Index:
    """What an archive holds by its names and lists, nothing decoded yet.

    Attributes:
        class_names: list of str; the labels of `records` count through it.
        records: list of `Record`.
        skipped: list of `Skipped`.
        test_keys: keys of the archive's own test split, where it has one.
    """

    class_names: list
    records: list
    skipped: list
    test_keys: frozenset = frozenset()


class Duplicates:
    """Remembers contents by digest and judges each newcomer."""

    def __init__(self):
        self._seen = {}  # digest -> {label: key of the first}

    def check(self, key, label, digest):
        """Returns `(keep, Skipped or None)` for the next image.

        Within a class only the first of equal images stays. Across classes
        both stay, listed because one label must be wrong; that their digests
        are equal lets the split keep them together.
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


def map_threads(function, items, threads=None):
    """Yields `function(item)` in order, computed by a thread pool."""
    items = iter(items)
    threads = threads or count_threads()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        while chunk := list(itertools.islice(items, _CHUNK)):
            yield from pool.map(function, chunk)


def read_records(
    records,
    short_side,
    threads=None,
    keep_repeated=False,
    read=read_image,
):
    """Decodes image files, leaving out what cannot be read or comes twice.

    Args:
        records: iterable of `Record`; a generator is read a chunk at a time.
        short_side: int, pixels, or `None` for the stored sizes.
        threads: int, decoding threads; Pillow releases the interpreter lock.
            Defaults to one per usable core.
        keep_repeated: bool, keep what comes twice, as of a split that
            somebody else fixed.
        read: function that decodes a path or bytes at a short side.

    Returns:
        `(store, groups, digests, skipped)`: an `ImageStore`, for each of its
        images the group and the content digest (lists of str), and the
        `Skipped` list.
    """

    def decode(record):
        try:
            pixels = read(record.path, short_side)
        except UnreadableImage as error:
            return record, str(error), None
        return record, pixels, content_digest(pixels)

    duplicates = Duplicates()
    images, labels, keys, groups, digests, skipped = [], [], [], [], [], []
    for record, result, digest in map_threads(decode, records, threads):
        if digest is None:
            skipped.append(Skipped(record.key, result))
            continue
        keep, remark = True, None
        if not keep_repeated:
            keep, remark = duplicates.check(record.key, record.label, digest)
        if remark is not None:
            skipped.append(remark)
        if keep:
            images.append(result)
            labels.append(record.label)
            keys.append(record.key)
            groups.append(record.group)
            digests.append(digest)
    store = ImageStore.from_images(images, labels, keys)
    return store, groups, digests, skipped
