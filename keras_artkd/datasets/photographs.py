"""Sets of photographs with an official test split, as TFDS has prepared them.

`cub200` is CUB-200-2011: 5,994 images to train on and 5,794 to test with, of
200 species of birds. `stanford_dogs` has 12,000 and 8,580 of 120 breeds. TFDS
knows these two; of the others each has a builder in a folder of this package.
All are tested on generated archives in the official layouts, not on the real
ones. Nothing is cropped to the boxes that come with them. In memory, at 252
pixels, birds take about 3 GB and dogs 6 GB, two or three times that while they
are loaded.
"""

import pathlib
import re

from keras_artkd.datasets.collection import (
    Examples,
    check_fraction,
    limit_positions,
    refuse_artist,
    split_official,
)
from keras_artkd.datasets.prepared import prepare_photographs, read_skipped
from keras_artkd.datasets.records import Record, read_records
from keras_artkd.datasets.tfds_builders import prepare_builder

_SPLITS = ("train", "test")
# Before the names of folders: `001.` of a bird, `n02085620-` of a dog.
_NUMBER = re.compile(r"\d+\.|n\d+-")


def load_downloaded(
    builder_name,
    *,
    data_dir,
    short_side,
    group,
    limit,
    split_seed,
    cache_dir,
    validation_fraction=0.1,
):
    """Photographs that TFDS downloads; its folders name the classes."""
    _check(group, validation_fraction)
    builder = prepare_builder(builder_name, data_dir)
    parts, skipped = _read(builder, short_side, limit, split_seed)
    names = _folder_names(builder, parts)
    parts, leaks = split_official(*parts, validation_fraction, None, split_seed)
    return names, parts, skipped + leaks


def load_archive(
    dataset,
    *,
    data_dir,
    short_side,
    group,
    limit,
    split_seed,
    cache_dir,
    validation_fraction=0.1,
):
    """Photographs of an archive that has a builder in this package."""
    _check(group, validation_fraction)
    builder = prepare_photographs(dataset, data_dir, cache_dir)
    parts, skipped = _read(builder, short_side, limit, split_seed)
    parts, leaks = split_official(*parts, validation_fraction, None, split_seed)
    names = builder.info.features["label"].names
    return names, parts, read_skipped(builder) + skipped + leaks


def _check(group, validation_fraction):
    """What would else come to light after the download."""
    refuse_artist(group, "A data set of photographs")
    check_fraction(validation_fraction)


def _folder_names(builder, parts):
    """Class names; TFDS has numbers for birds, small letters for dogs."""
    names = list(builder.info.features["label"].names)
    for part in parts:
        keys = part.store.keys.tolist()
        for key, label in zip(keys, part.store.labels, strict=True):
            folder = pathlib.PurePosixPath(key).parent.name
            names[label] = _NUMBER.sub("", folder, count=1)
    return names


def _read(builder, short_side, limit, seed):
    """`([train, test], skipped)`, the former `Examples`.

    A limit is applied before decoding, which is what takes the time.
    """
    rows = dict.fromkeys(_SPLITS)
    if limit is not None:
        labels = {
            split: [int(row["label"]) for row in _rows(builder, split, "label")]
            for split in _SPLITS
        }
        rows = limit_positions(labels, limit, seed)
    parts, skipped = [], []
    for split in _SPLITS:
        *examples, unreadable = read_records(
            _records(builder, split, rows[split]),
            short_side,
            keep_repeated=True,
        )
        parts.append(Examples(*examples))
        skipped += unreadable
    return parts, skipped


def _records(builder, split, rows):
    """Yields the `Record`s of a split, or of some rows of it."""
    wanted = None if rows is None else set(rows.tolist())
    features = ("image", "image/filename", "label")
    for number, row in enumerate(_rows(builder, split, *features)):
        if wanted is None or number in wanted:
            key = row["image/filename"].decode()
            yield Record(row["image"], key, int(row["label"]), key)


def _rows(builder, split, *features):
    """Some features of all examples of a split, images encoded."""
    import tensorflow_datasets as tfds

    skip = {"image": tfds.decode.SkipDecoding()} if "image" in features else {}
    return tfds.as_numpy(
        builder.as_dataset(
            split=split,
            decoders=tfds.decode.PartialDecoding(
                dict.fromkeys(features, True), decoders=skip
            ),
            shuffle_files=False,
        )
    )
