"""Images to learn from without labels: a share of train, or a folder."""

import pathlib
from collections.abc import Sequence

import numpy as np

from keras_artkd.data.images import read_image
from keras_artkd.data.store import NO_LABEL, ImageStore
from keras_artkd.datasets.examples import Examples, Parts
from keras_artkd.datasets.files import (
    list_files,
    missing_message,
    relative_key,
    unlabelled_folder,
    why_no_image,
)
from keras_artkd.datasets.folder import artist
from keras_artkd.datasets.image_cache import ImageCache
from keras_artkd.datasets.records import (
    Reader,
    Record,
    Skipped,
    read_records,
    source_of,
)
from keras_artkd.datasets.splits import (
    SPLITS,
    join_groups,
    stratified_split,
)
from keras_artkd.types import Path

# Before the keys of a folder's images, which may otherwise be those of train.
PREFIX = "unlabelled/"


def check_share(share: float) -> None:
    """Raises ValueError unless it is a share that leaves some labels."""
    if not 0 <= share < 1:
        raise ValueError(
            "`unlabelled` must be a share of the training images, at least 0 "
            f"and less than 1. Received: unlabelled={share}."
        )


def check_unlabelled_folder(folder: Path, data_dir: Path | None = None) -> None:
    """Raises ValueError unless it is a directory, in its place.

    Args:
        folder: of images without labels.
        data_dir: the folder of those with labels, if they are in one.
    """
    if not pathlib.Path(folder).is_dir():
        raise ValueError(
            missing_message("Unlabelled images", folder, "any folder of images")
        )
    if data_dir is None:
        return
    given = pathlib.Path(folder).resolve()
    inner = unlabelled_folder(data_dir)
    if inner is not None and given != inner.resolve():
        raise ValueError(
            "Images without labels must be in one folder. Received: "
            f"unlabelled_dir={str(folder)!r} and {inner}. Fix: "
            "join them, or give the latter another name outside."
        )
    if inner is None and given.is_relative_to(pathlib.Path(data_dir).resolve()):
        raise ValueError(
            "The folder of unlabelled images must lie outside that of the "
            "labelled ones, whose folders are classes, or be called "
            "unlabelled. Received: "
            f"unlabelled_dir={str(folder)!r} in "
            f"data_dir={str(data_dir)!r}. Fix: move it out of there."
        )


def hide_labels(
    train: Examples, share: float, seed: int
) -> tuple[Examples, Examples]:
    """Divides the training split into images with and without labels.

    It is stratified as the splits are, and equal pictures stay together. At
    least one image of each class keeps its label.

    Args:
        train: `Examples`.
        share: float in (0, 1), of the images without labels.
        seed: int.

    Returns:
        Two `Examples`, both with their labels: to be told and to be hidden.

    Raises:
        ValueError: if no label can be hidden.
    """
    labels, groups = train.store.labels, join_groups(train.digests)
    parts = stratified_split(labels, groups, (1 - share, share, 0), seed)
    told = np.zeros(len(train), bool)
    told[parts["train"]] = True
    # A class of a single picture may have it in either.
    for label in np.setdiff1d(labels, labels[told]):
        first = groups[np.flatnonzero(labels == label)[0]]
        told |= groups == first
    if told.all():
        raise ValueError(
            "A part of the training images must lose its labels, and one of "
            f"each class keep it. Received: unlabelled={share} of "
            f"{len(train)} images. Fix: more images."
        )
    return train.take(np.flatnonzero(told)), train.take(np.flatnonzero(~told))


def read_folder(
    folder: Path,
    short_side: int,
    limit: int | None,
    seed: int,
    read: Reader = read_image,
    cache: ImageCache | None = None,
) -> tuple[Examples, list[Skipped]]:
    """Reads the images of a folder, at any depth; their places say nothing.

    Args:
        folder: directory.
        short_side: int, pixels.
        limit: int, the largest number of files, chosen at random; None for
            all.
        seed: int, of that choice.
        read: function that decodes a file, see `records.read_records`. It must
            be that of the data set, otherwise copies are not recognised.
        cache: see `records.read_records`.

    Returns:
        `(examples, skipped)`: `Examples` without labels, whose keys begin
        with `PREFIX`, and the `Skipped` list.

    Raises:
        ValueError: if there is none that can be read.
        OSError: if a folder cannot be read.
    """
    folder = pathlib.Path(folder)
    records: list[Record] = []
    skipped: list[Skipped] = []
    for path in list_files(folder):
        key = PREFIX + relative_key(path, folder)
        if reason := why_no_image(path):
            skipped.append(Skipped(key, reason))
        else:
            group = artist(path.name) or key
            records.append(Record(path, key, NO_LABEL, group))
    if limit is not None and limit < len(records):
        order = np.random.default_rng(seed).permutation(len(records))
        records = [records[i] for i in np.sort(order[:limit])]
    store, groups, digests, unreadable = read_records(
        records,
        short_side,
        read=read,
        cache=cache,
        source=source_of(records),
    )
    examples = Examples(store, groups, digests)
    skipped += unreadable
    if not len(examples):
        raise ValueError(
            "The folder of unlabelled images must hold some that can be read. "
            f"Received: unlabelled_dir={str(folder)!r}, with "
            f"{len(records)} image files and {len(skipped)} left out"
            f"{f', the first: {skipped[0].reason}' if skipped else ''}."
        )
    return examples, skipped


def leave_out_known(
    examples: Examples, parts: Parts, by_group: bool
) -> tuple[Examples, list[Skipped]]:
    """Leaves out the pictures of any split: learning from the test is a leak.

    Args:
        examples: `Examples` of a folder.
        parts: dict of name -> `Examples`.
        by_group: bool, whether groups of validation and test are left out
            too.

    Returns:
        `(examples, skipped)`.
    """
    reasons = {}
    for name, part in parts.items():
        for key, digest in zip(part.store.keys, part.digests, strict=True):
            reasons[digest] = f"same picture as {key} of {name}"
    held_out: dict[str, str] = {}
    if by_group:
        for name in {*SPLITS[1:]} & {*parts}:
            held_out |= dict.fromkeys(parts[name].groups, name)
    stay, skipped = [], []
    for index, key in enumerate(examples.store.keys):
        group = examples.groups[index]
        reason = reasons.get(examples.digests[index])
        if reason is None and group in held_out:
            reason = f"its artist, {group}, is in {held_out[group]}"
        if reason is None:
            stay.append(index)
        else:
            skipped.append(Skipped(str(key), reason))
    if not stay:
        raise ValueError(
            "The folder of unlabelled images must hold some that are not in "
            f"the data set. Received: {len(examples)} images, all "
            f"left out, the first: {skipped[0].reason}."
        )
    return examples.take(stay), skipped


def join(examples: Sequence[Examples]) -> Examples:
    """Joins several `Examples` in memory, whose keys must differ.

    Raises:
        ValueError: if two images have the same key.
    """
    stores = [each.store for each in examples]
    store = ImageStore.concatenate(
        [each for each in stores if isinstance(each, ImageStore)]
    )
    keys, counts = np.unique(store.keys, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            "Images must have names of their own, also those without labels. "
            "Received: "
            f"{keys[counts > 1][0]} twice. Fix: rename it."
        )
    return Examples(
        store,
        [group for each in examples for group in each.groups],
        [digest for each in examples for digest in each.digests],
    )
