"""ImageNet (ILSVRC2012), streamed from the files that TFDS prepares."""

import dataclasses
import hashlib
import pathlib
import typing
from collections.abc import Iterator

import numpy as np

from keras_artkd.data.store import ImageStore
from keras_artkd.data.threads import map_threads
from keras_artkd.datasets.archives.prepared import cache_folder
from keras_artkd.datasets.examples import Examples, Loaded, split_official
from keras_artkd.datasets.files import missing_message
from keras_artkd.datasets.image_cache import ImageCache, Source
from keras_artkd.datasets.kept_images import Decoded
from keras_artkd.datasets.records import Index, Record, Skipped
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.tfds.builders import Builder, Info, find_builder
from keras_artkd.types import Array, Path

if typing.TYPE_CHECKING:  # It imports TensorFlow.
    from keras_artkd.data.stream import ImageStream

ARCHIVES = ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar")
_NAME = "imagenet2012"
# The data is the same in all of these versions.
_BUILDER = f"{_NAME}:5.*.*"


def check_imagenet(request: LoadRequest) -> None:
    """Requires a size, and the data or the archives in a given folder."""
    if request.short_side is None:
        raise ValueError(
            "`short_side` must be given: ImageNet's images are of all sizes. "
            "Received: short_side=None. Fix: a number of pixels."
        )
    folder = request.data_dir
    if folder is not None and not pathlib.Path(folder, _NAME).is_dir():
        _check_archives(folder)


def load_imagenet(
    request: LoadRequest, *, validation_fraction: float = 1 / 128
) -> Loaded:
    """Loads ImageNet; train stays on disk, the other splits are decoded.

    The official validation split is the test. 1/128 of train validates: about
    10,000 images, ten of each class. These two splits are squares of
    `short_side`: at 252 pixels 9.5 GB and 1.9 GB, in the cache of decoded
    images. The archives take 145 GB; TFDS prepares them once, into as much
    again. Decoded, train would take 325 GB beside that.

    A `limit` reads no more than the first files that hold so many images.
    """
    side = request.short_side
    assert side is not None
    builder, index_dir = prepare_imagenet(request.data_dir, request.cache_dir)
    # It imports TensorFlow, which other data sets do without.
    from keras_artkd.data.stream import ImageStream
    from keras_artkd.datasets.tfds.record_index import stream_records

    def read(split: str) -> tuple[Examples, list[Skipped]]:
        paths = _first_files(builder.info.splits[split], request.limit)
        stream, unreadable = stream_records(paths, index_dir, side)
        keys = stream.keys.tolist()
        digests = stream.digests.astype(str).tolist()
        return Examples(stream, keys, digests), unreadable

    (train, unreadable), (test, more) = read("train"), read("validation")
    parts, leaks = split_official(
        train, test, validation_fraction, request.limit, request.split_seed
    )
    for split in ("validation", "test"):
        held_out = parts[split].store
        assert isinstance(held_out, ImageStream)
        store = _decoded(held_out, request.images)
        parts[split] = dataclasses.replace(parts[split], store=store)
    names = builder.info.features["label"].names
    return Loaded(names, parts, unreadable + more + leaks)


def _decoded(stream: "ImageStream", cache: ImageCache) -> ImageStore:
    """The central squares of a stream's images."""

    def decode(first: int) -> Iterator[tuple[Decoded, Array]]:
        rows = range(first, len(stream))
        for row, image in zip(
            rows, map_threads(stream.image, rows), strict=True
        ):
            label = int(stream.labels[row])
            yield Decoded(str(stream.keys[row]), label, ""), image

    what = hashlib.sha256(stream.digests.tobytes()).hexdigest()
    source = Source([_NAME, stream.short_side, what], len(stream))
    rows, pixels, offsets = cache.read(decode, source)
    sizes = np.array([(row.height, row.width) for row in rows], "int32")
    return ImageStore(
        pixels, offsets, sizes.reshape(-1, 2), stream.labels, stream.keys
    )


def prepare_imagenet(
    data_dir: Path | None, cache_dir: Path | None = None
) -> tuple[Builder, pathlib.Path]:
    """Finds ImageNet, prepared from the archives if necessary.

    Args:
        data_dir: TFDS directory with the prepared data, by default TFDS's
            own; or the folder of the two official archives.
        cache_dir: where archives are prepared. The index of data prepared
            elsewhere is also kept here, otherwise beside the data.

    Returns:
        `(builder, folder of the index)`.
    """
    import tensorflow_datasets as tfds

    builder = find_builder(_BUILDER, data_dir)
    prepared = builder.is_prepared()
    if not prepared:
        folder = builder.data_dir_root if data_dir is None else data_dir
        archives = _check_archives(folder)
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


def _check_archives(folder: Path) -> list[pathlib.Path]:
    """Returns the paths of the two archives, which must be there."""
    archives = [pathlib.Path(folder, name) for name in ARCHIVES]
    if not all(path.is_file() for path in archives):
        raise ValueError(
            missing_message(
                f"The archives {' and '.join(ARCHIVES)}, or {_NAME} prepared "
                "by TFDS,",
                folder,
                "register at https://image-net.org/download-images to "
                "download the two archives, and leave them packed.",
            )
        )
    return archives


def _first_files(split_info: Info, limit: int | None) -> list[Path]:
    """Takes as many files of a split as hold `limit` images; None for all."""
    paths = split_info.filepaths
    if limit is None:
        return paths
    ends = np.cumsum(split_info.shard_lengths)
    return paths[: np.searchsorted(ends, limit) + 1]
