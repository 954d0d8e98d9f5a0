"""Examples of a prepared TFDS data set, decoded by this package."""

import dataclasses
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from keras_artkd.datasets.examples import Examples, Parts, limit_positions
from keras_artkd.datasets.image_cache import Source
from keras_artkd.datasets.records import Record, Skipped, read_records
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.tfds.builders import Builder
from keras_artkd.types import Array

# TFDS's own name of an example: the file that holds it, and its number there.
TFDS_ID = "tfds_id"


@dataclasses.dataclass(frozen=True)
class Features:
    """Names of the features to read.

    Attributes:
        image: the encoded image.
        label: the class number.
        key: text that is unique in the split, or `TFDS_ID`.
        group: text, see `Record`; None where the key is the group.
    """

    image: str = "image"
    label: str = "label"
    key: str = TFDS_ID
    group: str | None = None


def read_splits(
    builder: Builder,
    features: Features,
    splits: Sequence[str],
    request: LoadRequest,
    keep_repeated: bool = True,
) -> tuple[Parts, list[Skipped]]:
    """Reads and decodes some splits of a prepared data set.

    The request's limit is applied before decoding, which takes the time.

    Args:
        builder: `tfds.core.DatasetBuilder`, prepared.
        features: `Features`.
        splits: names of splits.
        request: `LoadRequest`.
        keep_repeated: see `read_records`.

    Returns:
        `(parts, skipped)`: dict of split name -> `Examples`, and a list.
    """
    rows: dict[str, Array | None] = dict.fromkeys(splits)
    if request.limit is not None:
        labels = {
            split: [
                int(row[features.label])
                for row in read_rows(builder, split, features.label)
            ]
            for split in splits
        }
        rows |= limit_positions(labels, request.limit, request.split_seed)
    parts: Parts = {}
    skipped: list[Skipped] = []
    for split in splits:
        store, groups, digests, more = read_records(
            _records(builder, features, split, rows[split]),
            request.short_side,
            keep_repeated=keep_repeated,
            cache=request.images,
            source=_source(builder, features, split, rows[split]),
        )
        parts[split] = Examples(store, groups, digests)
        skipped += more
    return parts, skipped


def _source(
    builder: Builder, features: Features, split: str, rows: Array | None
) -> Source | None:
    """What a split is, or some rows of it: by the files that hold it.

    None where they are not on a disk of this machine.
    """
    folder = pathlib.Path(builder.data_dir)
    if not folder.is_dir():
        return None
    files = sorted(
        [path.name, path.stat().st_size, path.stat().st_mtime_ns]
        for path in folder.iterdir()
        if path.is_file()
    )
    chosen = None if rows is None else rows.tolist()
    return Source(
        [files, dataclasses.astuple(features), split, chosen],
        builder.info.splits[split].num_examples
        if chosen is None
        else len(chosen),
    )


def _records(
    builder: Builder, features: Features, split: str, rows: Array | None
) -> Iterator[Record]:
    """Yields the `Record`s of a split, or of some rows of it."""
    import tensorflow_datasets as tfds

    names = (features.image, features.label, features.key, features.group)
    read = read_rows(
        builder,
        split,
        *(name for name in names if name not in (None, TFDS_ID)),
        decoders={features.image: tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(add_tfds_id=features.key == TFDS_ID),
    )
    chosen = None if rows is None else set(rows.tolist())
    for number, row in enumerate(read):
        if chosen is None or number in chosen:
            key = row[features.key].decode()
            group = row[features.group].decode() if features.group else key
            yield Record(
                row[features.image], key, int(row[features.label]), group
            )


def read_rows(
    builder: Builder,
    split: str,
    *features: str,
    decoders: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[dict[str, Any]]:
    """Yields some features of all examples of a split, in a fixed order.

    Args:
        builder: `tfds.core.DatasetBuilder`, prepared.
        split: str, as TFDS writes it.
        *features: names of features.
        decoders: dict of feature -> how TFDS decodes it, if not as usual.
        **options: further ones of TFDS's `as_dataset`.
    """
    import tensorflow_datasets as tfds

    return iter(
        tfds.as_numpy(
            builder.as_dataset(
                split=split,
                decoders=tfds.decode.PartialDecoding(
                    dict.fromkeys(features, True), decoders=decoders
                ),
                shuffle_files=False,
                **options,
            )
        )
    )
