"""What every data set becomes: three disjoint stores of decoded images."""

import dataclasses
import hashlib
import json
import typing

import numpy as np

from keras_artkd.datasets.records import Skipped
from keras_artkd.datasets.splits import (
    SPLITS,
    join_groups,
    stratified_limit,
    stratified_split,
)
from keras_artkd.image_store import NO_LABEL, ImageStore

if typing.TYPE_CHECKING:  # It imports TensorFlow.
    from keras_artkd.image_stream import ImageStream


@dataclasses.dataclass(frozen=True)
class Collection:
    """A data set, split.

    Attributes:
        name: str, as given to `load`.
        class_names: list of str; labels count through it.
        train: `ImageStore`, or `ImageStream` of a data set that does not fit
            in memory.
        validation: `ImageStore`.
        test: `ImageStore`.
        skipped: list of `Skipped`: files left out, or worth a look, and why.
        groups: dict split name -> list of str: the artist (or scene) of each
            image of that split.
        unlabelled: `ImageStore` without labels to learn from besides, in
            none of the splits; or None.
        hidden_labels: int32 `(n,)`, of the images of `unlabelled` their true
            labels, `NO_LABEL` where nobody knows; or None. To measure
            pseudo-labels with, and for nothing else.
    """

    name: str
    class_names: list
    train: "ImageStore | ImageStream"
    validation: ImageStore
    test: ImageStore
    skipped: list
    groups: dict
    unlabelled: ImageStore | None = None
    hidden_labels: np.ndarray | None = None

    def fingerprint(self):
        """Hex digest of what decides whether two runs saw the same splits."""
        return self._digest(SPLITS)

    def unlabelled_fingerprint(self):
        """The same of the images without labels; None where there are none.

        Not part of `fingerprint`: whoever learns from labels alone sees the
        same splits with other images besides.
        """
        return None if self.unlabelled is None else self._digest(["unlabelled"])

    def _digest(self, names):
        digest = hashlib.sha256(json.dumps(self.class_names).encode())
        for name in names:
            store = getattr(self, name)
            digest.update(json.dumps([name, *store.keys.tolist()]).encode())
            digest.update(store.labels.tobytes())
            digest.update(store.content)
        return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Examples:
    """Images, in memory or not, with what a split must respect."""

    store: "ImageStore | ImageStream"
    groups: list
    digests: list

    def __len__(self):
        """The number of images."""
        return len(self.store)

    def take(self, indices):
        """The examples at some positions, in that order."""
        return Examples(
            self.store.take(indices),
            [self.groups[i] for i in indices],
            [self.digests[i] for i in indices],
        )


def split_examples(examples, by_group, seed, fractions=(0.7, 0.15, 0.15)):
    """Dict of split name -> `Examples`, equal pictures kept together."""
    keys = [examples.digests] + ([examples.groups] if by_group else [])
    splits = stratified_split(
        examples.store.labels, join_groups(*keys), fractions, seed
    )
    return {name: examples.take(splits[name]) for name in SPLITS}


def split_official(train, test, validation_fraction, limit, seed):
    """Splits a data set that has a test split; train gives the validation.

    Args:
        train: `Examples`.
        test: `Examples`.
        validation_fraction: float, share of train, stratified.
        limit: int, see `limit_parts`.
        seed: int.

    Returns:
        `(parts, skipped)`: dict split name -> `Examples`, list of `Skipped`.
    """
    check_fraction(validation_fraction)
    parts = {"train": train, "validation": train.take([]), "test": test}
    parts, skipped = drop_leaks(parts)
    fractions = (1 - validation_fraction, validation_fraction, 0)
    train = split_examples(parts["train"], False, seed, fractions)
    parts = {**train, "test": parts["test"]}
    return limit_parts(parts, limit, seed), skipped


def check_fraction(validation_fraction):
    """Raises unless it is a share of train that leaves some of it."""
    if not 0 < validation_fraction < 1:
        raise ValueError(
            "`validation_fraction` must lie between 0 and 1. Received: "
            f"validation_fraction={validation_fraction}."
        )


def drop_leaks(parts):
    """Drops from train and validation what a later split holds as well.

    For splits that somebody else fixed: the test split is left whole.

    Args:
        parts: dict split name -> `Examples`.

    Returns:
        `(parts, skipped)`.
    """
    result, skipped, seen = {}, [], {}
    for name in reversed(SPLITS):
        part = parts[name]
        stay = [i for i, d in enumerate(part.digests) if d not in seen]
        skipped += [
            Skipped(
                str(key), f"same picture as {seen[digest]} of another split"
            )
            for key, digest in zip(part.store.keys, part.digests, strict=True)
            if digest in seen
        ]
        result[name] = part if len(stay) == len(part) else part.take(stay)
        seen.update(zip(part.digests, part.store.keys, strict=True))
    return {name: result[name] for name in SPLITS}, skipped


def limit_parts(parts, limit, seed):
    """At most `limit` examples of fixed splits, all shares kept."""
    if limit is None:
        return parts
    chosen = limit_positions(
        {name: part.store.labels for name, part in parts.items()}, limit, seed
    )
    return {name: parts[name].take(chosen[name]) for name in parts}


def limit_positions(labels, limit, seed):
    """Dict split name -> positions to keep, from dict split name -> labels."""
    strata = np.concatenate(
        [
            np.asarray(values, "int64") * len(labels) + i
            for i, values in enumerate(labels.values())
        ]
    )
    mask = np.zeros(len(strata), bool)
    mask[stratified_limit(strata, limit, seed)] = True
    ends = np.cumsum([len(values) for values in labels.values()])[:-1]
    return {
        name: np.flatnonzero(part)
        for name, part in zip(labels, np.split(mask, ends), strict=True)
    }


def collect(name, class_names, parts, skipped, by_group, unlabelled=None):
    """Checks the splits, drops classes without images, renumbers labels.

    Args:
        name: str.
        class_names: list of str.
        parts: dict split name -> `Examples`.
        skipped: list of `Skipped`.
        by_group: whether groups must be disjoint too.
        unlabelled: `Examples` to learn from without their labels, which are
            hidden here (`NO_LABEL` where there is none); or None.

    Returns:
        `Collection`.
    """
    empty = [split for split in SPLITS if not len(parts[split])]
    if empty:
        raise ValueError(
            "Every split must hold at least one image. Received: data set "
            f"{name!r} with {', '.join(empty)} empty "
            f"({', '.join(f'{s}: {len(parts[s])}' for s in SPLITS)}; "
            f"{len(skipped)} files left out). Fix: more images, more groups, "
            "or a larger limit."
        )
    _check_disjoint(name, parts, "digests")
    if by_group:
        _check_disjoint(name, parts, "groups")
    used = np.unique(np.concatenate([p.store.labels for p in parts.values()]))
    number = np.zeros(len(class_names), "int32")
    number[used] = np.arange(len(used))
    stores = {
        split: dataclasses.replace(part.store, labels=number[part.store.labels])
        for split, part in parts.items()
    }
    store = hidden = None
    if unlabelled is not None:
        _check_disjoint(name, {**parts, "unlabelled": unlabelled}, "digests")
        if by_group:  # Train may have paintings of the same artists.
            others = {"validation": parts["validation"], "test": parts["test"]}
            others["unlabelled"] = unlabelled
            _check_disjoint(name, others, "groups")
        labels = unlabelled.store.labels
        hidden = np.where(labels == NO_LABEL, NO_LABEL, number[labels])
        store = dataclasses.replace(
            unlabelled.store, labels=np.full_like(labels, NO_LABEL)
        )
    return Collection(
        name=name,
        class_names=[str(class_names[i]) for i in used],
        **stores,
        skipped=list(skipped),
        groups={split: list(part.groups) for split, part in parts.items()},
        unlabelled=store,
        hidden_labels=hidden,
    )


def refuse_artist(group, what):
    """Raises where artists are asked of a data set that has none."""
    if group == "artist":
        raise ValueError(
            f'{what} knows no artists. Received: group="artist". Fix: '
            'group="none".'
        )


def _check_disjoint(name, parts, kind):
    """Last line of defence of the protocol: a leak must never go unseen."""
    seen = {}
    for split, part in parts.items():
        for value in set(getattr(part, kind)):
            if value in seen:
                raise RuntimeError(
                    "Internal error: splits must be disjoint, but "
                    f"{seen[value]} and {split} of {name!r} share one of "
                    f"their {kind}: {value}. Please report this."
                )
            seen[value] = split
