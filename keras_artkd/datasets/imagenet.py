"""ImageNet (ILSVRC2012), streamed from what TFDS prepares of it."""

import dataclasses
import pathlib

import numpy as np

from keras_artkd.datasets.collection import (
    Examples,
    refuse_artist,
    split_official,
)
from keras_artkd.datasets.files import missing_message
from keras_artkd.datasets.prepared import cache_folder
from keras_artkd.datasets.records import Index, Record
from keras_artkd.datasets.tfds_builders import find_builder

ARCHIVES = ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar")
# The data is the same in all of them.
_BUILDER = "imagenet2012:5.*.*"


def load_imagenet(
    *,
    data_dir,
    short_side,
    group,
    limit,
    split_seed,
    cache_dir,
    validation_fraction=1 / 128,
):
    """ImageNet: train stays on disk, the other two splits are decoded.

    The official validation split is the test. 1/128 of train validates: about
    10,000 images, ten of each class. These two are kept in memory, as squares
    of `short_side`: at 252 pixels 9.5 GB and 1.9 GB. The archives take 145 GB;
    TFDS prepares them once, into as much again.

    A `limit` reads no more than the first files that hold so many images.
    """
    refuse_artist(group, "ImageNet")
    if short_side is None:
        raise ValueError(
            "`short_side` must be given: ImageNet's images are of all sizes. "
            "Received: short_side=None. Fix: a number of pixels."
        )
    builder, index_dir = prepare_imagenet(data_dir, cache_dir)
    # TensorFlow, which the other data sets do without.
    from keras_artkd.datasets.record_index import stream_records

    sources, skipped = [], []
    for split in ("train", "validation"):
        paths = _first_files(builder.info.splits[split], limit)
        stream, unreadable = stream_records(paths, index_dir, short_side)
        keys = stream.keys.tolist()
        digests = stream.digests.astype(str).tolist()
        sources.append(Examples(stream, keys, digests))
        skipped += unreadable
    parts, leaks = split_official(
        *sources, validation_fraction, limit, split_seed
    )
    for split in ("validation", "test"):
        parts[split] = dataclasses.replace(
            parts[split], store=parts[split].store.decode()
        )
    return builder.info.features["label"].names, parts, skipped + leaks


def prepare_imagenet(data_dir, cache_dir=None):
    """TFDS's builder of ImageNet, prepared from the archives if need be.

    Args:
        data_dir: TFDS directory with the data prepared, by default TFDS's
            own, or the folder of the two official archives.
        cache_dir: where archives are prepared; for data prepared elsewhere,
            where its index is kept if not beside it.

    Returns:
        `(builder, folder of the index)`.
    """
    import tensorflow_datasets as tfds

    builder = find_builder(_BUILDER, data_dir)
    prepared = builder.is_prepared()
    if not prepared:
        folder = builder.data_dir_root if data_dir is None else data_dir
        archives = [pathlib.Path(folder, name) for name in ARCHIVES]
        if not all(path.is_file() for path in archives):
            raise ValueError(
                missing_message(
                    f"The archives {' and '.join(ARCHIVES)}, or imagenet2012 "
                    "prepared by TFDS,",
                    folder,
                    "register at https://image-net.org/download-images to "
                    "download the two archives, and leave them packed.",
                )
            )
        records = [Record(path, path.name, 0, path.name) for path in archives]
        builder = find_builder(
            _BUILDER, cache_folder(cache_dir, Index([], records, []))
        )
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=folder)
        )
    info = builder.info
    if info.file_format.value != "tfrecord" or not {
        "train",
        "validation",
    } <= set(info.splits):
        raise ValueError(
            "ImageNet must be prepared as TFRecord files, train and "
            f"validation. Received: {builder.data_dir} with "
            f"{', '.join(info.splits)} as {info.file_format.value}. Fix: "
            "prepare it again from both archives, or give their folder."
        )
    folder = cache_dir if prepared and cache_dir else builder.data_dir
    return builder, pathlib.Path(folder, "keras_artkd_index").expanduser()


def _first_files(split_info, limit):
    """As many of a split's files as hold `limit` images, `None` for all."""
    paths = split_info.filepaths
    if limit is None:
        return paths
    ends = np.cumsum(split_info.shard_lengths)
    return paths[: np.searchsorted(ends, limit) + 1]
