"""Index of the images in TFRecord files, made once and kept."""

import hashlib
import logging
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from keras_artkd.data.images import UnreadableImage, decoded, opened
from keras_artkd.data.stream import ImageStream
from keras_artkd.data.threads import map_threads
from keras_artkd.datasets.records import Skipped
from keras_artkd.files import write_atomically
from keras_artkd.types import Array, Path

_FRAME = 16  # Bytes around each record: its length, and two check sums.


def stream_records(
    paths: Sequence[Path], folder: Path, short_side: int
) -> tuple[ImageStream, list[Skipped]]:
    """Makes a stream of all images in some TFRecord files.

    Each file is read as a whole once. Its contents are written to an index
    `<file>.npz`, which is used from then on.

    Args:
        paths: the files, as TFDS writes them, with the features `image`
            (encoded), `label` and `file_name`.
        folder: where the indices are kept.
        short_side: int, pixels, see `ImageStream`.

    Returns:
        `(stream, skipped)`. Images that are not JPEG, or cannot be read, are
        left out and listed.
    """
    missing = sum(not _index_path(path, folder).exists() for path in paths)
    if missing:
        logging.getLogger(__name__).warning(
            "Reading %d files once, for an index in %s.", missing, folder
        )
    indices = list(map_threads(lambda path: _read_index(path, folder), paths))
    columns = {
        name: np.concatenate([index[name] for index in indices])
        for name in ("keys", "labels", "offsets", "digests", "flaws")
    }
    flaws = columns.pop("flaws")
    counts = [len(index["keys"]) for index in indices]
    stream = ImageStream(
        paths=np.array([os.fspath(path) for path in paths]),
        short_side=short_side,
        shards=np.repeat(np.arange(len(paths), dtype="int32"), counts),
        **columns,
    )
    skipped = [
        Skipped(str(stream.keys[row]), str(flaws[row]))
        for row in np.flatnonzero(flaws)
    ]
    return stream.take(np.flatnonzero(flaws == "")), skipped


def _index_path(path: Path, folder: Path) -> pathlib.Path:
    return pathlib.Path(folder, f"{pathlib.Path(path).name}.npz")


def _read_index(path: Path, folder: Path) -> dict[str, Array]:
    """Returns the index of a file; makes it if it is missing or outdated."""
    index_path = _index_path(path, folder)
    if index_path.exists():
        with np.load(index_path) as index:
            if index["size"] == os.path.getsize(path):
                return dict(index)
    index = _make_index(os.fspath(path))
    write_atomically(
        index_path, lambda p: np.savez(p, allow_pickle=False, **index)
    )
    return index


def _make_index(path: str) -> dict[str, Array]:
    import tensorflow as tf

    keys: list[str] = []
    labels: list[int] = []
    offsets: list[int] = []
    digests: list[str] = []
    flaws: list[str] = []
    offset = 0
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            encoded = features["image"].bytes_list.value[0]
            digest = hashlib.blake2b(encoded, digest_size=16)
            keys.append(features["file_name"].bytes_list.value[0].decode())
            labels.append(features["label"].int64_list.value[0])
            offsets.append(offset)
            digests.append(digest.hexdigest())
            flaws.append(_flaw(encoded))
            offset += len(record) + _FRAME
    except tf.errors.DataLossError as error:
        raise ValueError(
            f"Prepared data must be whole. Received: a damaged file, {path}. "
            "Fix: remove its folder, and prepare the data again."
        ) from error
    return {
        "size": np.array(os.path.getsize(path)),
        "keys": np.array(keys, str),
        "labels": np.array(labels, "int32"),
        "offsets": np.array(offsets, "int64"),
        "digests": np.array(digests, "S32"),
        "flaws": np.array(flaws, str),
    }


def _flaw(encoded: bytes) -> str:
    """Returns why an image cannot be used, "" if it can."""
    try:
        with opened(encoded) as image:
            if image.format != "JPEG":
                return f"not JPEG but {image.format}"
            with decoded(image, 1):
                pass
    except UnreadableImage as error:
        return str(error)
    return ""
