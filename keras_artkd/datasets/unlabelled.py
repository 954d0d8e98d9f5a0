"""Images to learn from without their labels: a share of train, or a folder."""

import pathlib

import numpy as np

from keras_artkd.datasets.collection import Examples
from keras_artkd.datasets.files import (
    list_files,
    missing_message,
    relative_key,
    why_no_image,
)
from keras_artkd.datasets.folder import artist
from keras_artkd.datasets.records import Record, Skipped, read_records
from keras_artkd.datasets.splits import (
    SPLITS,
    join_groups,
    stratified_split,
)
from keras_artkd.image_store import NO_LABEL, ImageStore
from keras_artkd.images import read_image

# In front of the keys of a folder's images, which may else be those of train.
PREFIX = "unlabelled/"


def check_share(share):
    """Raises ValueError unless it is a share that leaves some labels."""
    if not 0 <= share < 1:
        raise ValueError(
            "`unlabelled` must be a share of the training images, at least 0 "
            f"and less than 1. Received: unlabelled={share}."
        )


def hide_labels(train, share, seed):
    """Divides the training split into what keeps its labels and the rest.

    Stratified as the splits are; equal pictures stay together. Of each class
    at least one image keeps its label.

    Args:
        train: `Examples`.
        share: float in (0, 1), of the images to do without labels.
        seed: int.

    Returns:
        Two `Examples`, both with their labels: to be told and to be hidden.

    Raises:
        ValueError: if no image can do without its label.
    """
    labels, groups = train.store.labels, join_groups(train.digests)
    parts = stratified_split(labels, groups, (1 - share, share, 0), seed)
    told = np.zeros(len(train), bool)
    told[parts["train"]] = True
    # A class of a single picture has it in either.
    for label in np.setdiff1d(labels, labels[told]):
        first = groups[np.flatnonzero(labels == label)[0]]
        told |= groups == first
    if told.all():
        raise ValueError(
            "A part of the training images must be left without labels, and "
            f"one of each class with. Received: unlabelled={share} of "
            f"{len(train)} images. Fix: more images."
        )
    return train.take(np.flatnonzero(told)), train.take(np.flatnonzero(~told))


def read_folder(folder, short_side, limit, seed, read=read_image):
    """Images of a folder, however deep in it; where they lie says nothing.

    Args:
        folder: directory.
        short_side: int, pixels.
        limit: int, at most so many files, chosen at random; None for all.
        seed: int, of that choice.
        read: function that decodes a file, see `records.read_records`: the
            one that decoded the data set, or copies would not be known.

    Returns:
        `(examples, skipped)`: `Examples` without labels, whose keys begin
        with `PREFIX`, and the `Skipped` list.

    Raises:
        ValueError: if there is none that can be read.
        OSError: if a folder cannot be read.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(
            missing_message("Unlabelled images", folder, "any folder of images")
        )
    records, skipped = [], []
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
    *examples, unreadable = read_records(records, short_side, read=read)
    skipped += unreadable
    if not len(examples[0]):
        raise ValueError(
            "The folder of unlabelled images must hold some that can be read. "
            f"Received: unlabelled_dir={str(folder)!r}, with "
            f"{len(records)} image files and {len(skipped)} left out"
            f"{f', the first: {skipped[0].reason}' if skipped else ''}."
        )
    return Examples(*examples), skipped


def leave_out_known(examples, parts, by_group):
    """Leaves out what any split holds: to learn from the test is a leak.

    Args:
        examples: `Examples` of a folder.
        parts: dict of name -> `Examples`.
        by_group: whether groups of validation and test are left out too.

    Returns:
        `(examples, skipped)`.
    """
    reasons = {}
    for name, part in parts.items():
        for key, digest in zip(part.store.keys, part.digests, strict=True):
            reasons[digest] = f"same picture as {key} of {name}"
    held_out = {}
    if by_group:
        for name in SPLITS[1:]:
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
            "The folder of unlabelled images must hold some that the data set "
            f"does not hold already. Received: {len(examples)} images, all "
            f"left out, the first: {skipped[0].reason}."
        )
    return examples.take(stay), skipped


def join(examples):
    """Several `Examples` as one.

    Raises:
        ValueError: if two images have the same key.
    """
    store = ImageStore.concatenate([each.store for each in examples])
    keys, counts = np.unique(store.keys, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            "Images without labels must have names of their own. Received: "
            f"{keys[counts > 1][0]} twice. Fix: rename it."
        )
    return Examples(
        store,
        [group for each in examples for group in each.groups],
        [digest for each in examples for digest in each.digests],
    )
