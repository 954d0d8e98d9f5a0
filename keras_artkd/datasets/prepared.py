"""Reads the archives that have a TFDS builder, preparing them when new."""

import hashlib
import importlib
import json
import os
import pathlib

from keras_artkd.datasets.collection import (
    Examples,
    drop_leaks,
    limit_positions,
)
from keras_artkd.datasets.records import Record, Skipped, read_records
from keras_artkd.datasets.splits import SPLITS


def load_prepared(
    dataset,
    *,
    data_dir,
    short_side,
    group,
    limit,
    split_seed,
    cache_dir,
    official=False,
):
    """One of the painting archives, through its TFDS builder."""
    if official and group == "artist":
        raise ValueError(
            "The official test split is not artist-disjoint. Received: "
            'official=True, group="artist". Fix: one of the two.'
        )
    protocol = "official" if official else group.replace("none", "random")
    builder = prepare(dataset, data_dir, protocol, split_seed, cache_dir)
    rows = dict.fromkeys(SPLITS)
    if limit is not None:
        labels = {
            split: [record.label for record in _stored(builder, split)]
            for split in SPLITS
        }
        rows = limit_positions(labels, limit, split_seed)
    parts, skipped = {}, read_skipped(builder)
    for split in SPLITS:
        records = _stored(builder, split, rows[split])
        *examples, more = read_records(records, short_side)
        parts[split] = Examples(*examples)
        # Conflicting labels are in the file already.
        known = {item.key for item in skipped}
        skipped += [item for item in more if item.key not in known]
    parts, leaks = drop_leaks(parts)
    names = builder.info.features["label"].names
    return names, parts, skipped + leaks


def prepare(dataset, data_dir, protocol, seed=0, cache_dir=None):
    """The prepared TFDS builder of the archive extracted in `data_dir`."""
    builder_class = _builder_class(dataset)
    known = builder_class.builder_configs
    if protocol not in known:
        raise ValueError(
            f"Data set {dataset!r} has the protocols {', '.join(known)}. "
            f"Received: {protocol!r}."
        )
    index = builder_class.build_index(data_dir, protocol == "official")
    config = builder_class.config_for(protocol, seed)
    return _prepared(builder_class, index, data_dir, cache_dir, config)


def prepare_photographs(dataset, data_dir, cache_dir=None):
    """The same of an archive whose splits are its own, `train` and `test`."""
    builder_class = _builder_class(dataset)
    index = builder_class.build_index(data_dir)
    return _prepared(builder_class, index, data_dir, cache_dir)


def _builder_class(dataset):
    package = f"keras_artkd.datasets.{dataset}"
    return importlib.import_module(
        f"{package}.{dataset}_dataset_builder"
    ).Builder


def _prepared(builder_class, index, data_dir, cache_dir, config=None):
    import tensorflow_datasets as tfds

    builder = builder_class(
        data_dir=cache_folder(cache_dir, index), config=config
    )
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=data_dir)
    )
    return builder


def cache_folder(cache_dir, index):
    """The TFDS directory in which an archive is kept prepared.

    TFDS looks for prepared data by name alone and would go on serving those
    of another folder, so they lie under a fingerprint of this one.
    """
    import tensorflow_datasets as tfds

    if cache_dir is None:
        cache_dir = pathlib.Path(tfds.core.constants.DATA_DIR, "keras_artkd")
    return pathlib.Path(cache_dir).expanduser() / fingerprint(index)


def fingerprint(index):
    """16 hexadecimal digits: names, labels and sizes of all files indexed."""
    rows = [
        [r.key, r.label, r.group, os.path.getsize(r.path)]
        for r in index.records
    ]
    what = [index.class_names, sorted(rows), sorted(index.test_keys)]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def _stored(builder, split, rows=None):
    """Yields the `Record`s of a prepared split, or of some rows of it."""
    import tensorflow_datasets as tfds

    data = builder.as_dataset(
        split=split,
        decoders={"image": tfds.decode.SkipDecoding()},
        shuffle_files=False,
    )
    wanted = None if rows is None else set(rows.tolist())
    for number, row in enumerate(tfds.as_numpy(data)):
        if wanted is None or number in wanted:
            yield Record(
                path=row["image"],
                key=row["filename"].decode(),
                label=int(row["label"]),
                group=row["artist"].decode(),
            )


def read_skipped(builder):
    """What was left out when an archive was prepared, as `Skipped`."""
    path = pathlib.Path(builder.data_dir, "skipped.json")
    return [Skipped(**item) for item in json.loads(path.read_text("utf-8"))]
