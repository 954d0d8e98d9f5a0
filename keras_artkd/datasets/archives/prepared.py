"""Loaders of the archives that have a TFDS builder in this package."""

import hashlib
import importlib
import json
import os
import pathlib
from types import ModuleType

from keras_artkd.datasets.examples import Loaded, drop_leaks, split_official
from keras_artkd.datasets.image_cache import default_folder
from keras_artkd.datasets.records import Index, Skipped
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.splits import SPLITS
from keras_artkd.datasets.tfds.builders import Builder
from keras_artkd.datasets.tfds.reading import Features, read_splits
from keras_artkd.types import Path


def check_paintings(request: LoadRequest) -> None:
    """Checks the options, and that the archive is there."""
    official = request.options.get("official", False)
    if official and request.by_artist:
        raise ValueError(
            "The official test split is not artist-disjoint. Received: "
            'official=True, group="artist". Fix: one of the two.'
        )
    _index_module(request.name).build_index(request.folder, official)


def load_paintings(request: LoadRequest, *, official: bool = False) -> Loaded:
    """Loads an archive of paintings, split by this package or by its owners."""
    protocol = "artist" if request.by_artist else "random"
    builder = prepare_paintings(
        request.name,
        request.folder,
        "official" if official else protocol,
        request.split_seed,
        request.cache_dir,
    )
    features = Features(key="filename", group="artist")
    parts, more = read_splits(
        builder, features, SPLITS, request, keep_repeated=False
    )
    skipped = read_skipped(builder)
    # Conflicting labels are in the file already.
    known = {item.key for item in skipped}
    skipped += [item for item in more if item.key not in known]
    parts, leaks = drop_leaks(parts)
    names = builder.info.features["label"].names
    return Loaded(names, parts, skipped + leaks)


def check_photographs(request: LoadRequest) -> None:
    """Checks that the archive is there."""
    _index_module(request.name).build_index(request.folder)


def load_photographs(
    request: LoadRequest, *, validation_fraction: float = 0.1
) -> Loaded:
    """Loads an archive of photographs, which has a test split."""
    builder = prepare_photographs(
        request.name, request.folder, request.cache_dir
    )
    features = Features(key="image/filename")
    parts, skipped = read_splits(builder, features, ("train", "test"), request)
    parts, leaks = split_official(
        parts["train"],
        parts["test"],
        validation_fraction,
        None,
        request.split_seed,
    )
    names = builder.info.features["label"].names
    return Loaded(names, parts, read_skipped(builder) + skipped + leaks)


def prepare_paintings(
    dataset: str,
    data_dir: Path,
    protocol: str,
    seed: int = 0,
    cache_dir: Path | None = None,
) -> Builder:
    """Prepares an archive of paintings with TFDS, if it is new.

    Args:
        dataset: str, the name of a package here.
        data_dir: the folder into which the archive was extracted.
        protocol: str, `"random"`, `"artist"` or `"official"`.
        seed: int, of the split.
        cache_dir: see `cache_folder`.

    Returns:
        `tfds.core.DatasetBuilder`.
    """
    builder_class = _builder_class(dataset)
    known = builder_class.builder_configs
    if protocol not in known:
        raise ValueError(
            f"Data set {dataset!r} has the protocols {', '.join(known)}. "
            f"Received: {protocol!r}."
        )
    index = builder_class.build_index(data_dir, protocol == "official")
    config = builder_class.config_for(protocol, seed)
    return _prepared(
        builder_class(data_dir=cache_folder(cache_dir, index), config=config),
        data_dir,
    )


def prepare_photographs(
    dataset: str, data_dir: Path, cache_dir: Path | None = None
) -> Builder:
    """Prepares an archive of photographs, as `prepare_paintings` does.

    Its splits are its own, `train` and `test`.
    """
    builder_class = _builder_class(dataset)
    folder = cache_folder(cache_dir, builder_class.build_index(data_dir))
    return _prepared(builder_class(data_dir=folder), data_dir)


def _index_module(dataset: str) -> ModuleType:
    package = f"keras_artkd.datasets.archives.{dataset}"
    return importlib.import_module(f"{package}.index")


def _builder_class(dataset: str) -> Builder:
    package = f"keras_artkd.datasets.archives.{dataset}"
    return importlib.import_module(
        f"{package}.{dataset}_dataset_builder"
    ).Builder


def _prepared(builder: Builder, data_dir: Path) -> Builder:
    import tensorflow_datasets as tfds

    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=data_dir)
    )
    return builder


def cache_folder(cache_dir: Path | None, index: Index) -> pathlib.Path:
    """Returns the TFDS directory in which an archive is kept prepared.

    TFDS finds prepared data by name alone, and would also serve those of
    another folder. Therefore they are kept under a fingerprint of this one.

    Args:
        cache_dir: by default `keras_artkd` in TFDS's own directory.
        index: `Index` of the archive.
    """
    root = default_folder() if cache_dir is None else cache_dir
    return pathlib.Path(root).expanduser() / fingerprint(index)


def fingerprint(index: Index) -> str:
    """Digests names, labels and sizes of all files: 16 hexadecimal digits."""
    rows = [
        [r.key, r.label, r.group, os.path.getsize(r.path)]
        for r in index.records
    ]
    what = [index.class_names, sorted(rows), sorted(index.test_keys)]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def read_skipped(builder: Builder) -> list[Skipped]:
    """Returns the files that were left out when an archive was prepared."""
    path = pathlib.Path(builder.data_dir, "skipped.json")
    return [Skipped(**item) for item in json.loads(path.read_text("utf-8"))]
