"""Labelled examples on their way into the splits of a `Collection`."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from keras_artkd.data.store import ImageStore
from keras_artkd.datasets.records import Skipped
from keras_artkd.datasets.splits import (
    SPLITS,
    join_groups,
    stratified_limit,
    stratified_split,
)
from keras_artkd.types import Array

if typing.TYPE_CHECKING:  # It imports TensorFlow.
    from keras_artkd.data.stream import ImageStream


@dataclasses.dataclass(frozen=True)
class Examples:
    """Images, in memory or not, with what a split must respect.

    Attributes:
        store: `ImageStore` or `ImageStream` of `n` images.
        groups: `n` str, see `Record`.
        digests: `n` str: equal for equal pictures and for mirror images, see
            `picture_digest`.
    """

    store: "ImageStore | ImageStream"
    groups: list[str]
    digests: list[str]

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.store)

    def take(self, indices: Sequence[int] | Array) -> "Examples":
        """Returns the examples at some positions, in that order."""
        return Examples(
            self.store.take(indices),
            [self.groups[i] for i in indices],
            [self.digests[i] for i in indices],
        )


Parts: typing.TypeAlias = dict[str, Examples]
"""Split name -> its examples."""


class Loaded(typing.NamedTuple):
    """The result of a loader.

    Attributes:
        class_names: list of str; labels are positions in it.
        parts: dict of train, validation and test -> `Examples`.
        skipped: list of `Skipped`: files left out, or to look at.
    """

    class_names: list[str]
    parts: Parts
    skipped: list[Skipped]


def split_examples(
    examples: Examples,
    by_group: bool,
    seed: int,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
) -> Parts:
    """Splits examples by class; equal and mirrored pictures stay together.

    Args:
        examples: `Examples`.
        by_group: bool, whether the images of a group stay together too.
        seed: int.
        fractions: shares of train, validation and test.

    Returns:
        dict of split name -> `Examples`.
    """
    keys = [examples.digests] + ([examples.groups] if by_group else [])
    splits = stratified_split(
        examples.store.labels, join_groups(*keys), fractions, seed
    )
    return {name: examples.take(splits[name]) for name in SPLITS}


def split_official(
    train: Examples,
    test: Examples,
    validation_fraction: float,
    limit: int | None,
    seed: int,
) -> tuple[Parts, list[Skipped]]:
    """Splits a data set that has a test split; train gives the validation.

    Args:
        train: `Examples`.
        test: `Examples`.
        validation_fraction: float in (0, 1), share of train, stratified.
        limit: int, see `limit_parts`.
        seed: int.

    Returns:
        `(parts, skipped)`: dict of split name -> `Examples`, list of
        `Skipped`.
    """
    parts = {"train": train, "validation": train.take([]), "test": test}
    parts, skipped = drop_leaks(parts)
    fractions = (1 - validation_fraction, validation_fraction, 0)
    learned = split_examples(parts["train"], False, seed, fractions)
    parts = {**learned, "test": parts["test"]}
    return limit_parts(parts, limit, seed), skipped


def drop_leaks(parts: Parts) -> tuple[Parts, list[Skipped]]:
    """Drops pictures of a later split from train and validation.

    For splits that somebody else fixed: the test split stays whole.

    Args:
        parts: dict of split name -> `Examples`.

    Returns:
        `(parts, skipped)`.
    """
    result: Parts = {}
    skipped: list[Skipped] = []
    seen: dict[str, str] = {}
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


def limit_parts(parts: Parts, limit: int | None, seed: int) -> Parts:
    """Takes at most `limit` examples of fixed splits; all shares stay."""
    if limit is None:
        return parts
    chosen = limit_positions(
        {name: part.store.labels for name, part in parts.items()}, limit, seed
    )
    return {name: parts[name].take(chosen[name]) for name in parts}


def limit_positions(
    labels: Mapping[str, npt.ArrayLike], limit: int, seed: int
) -> dict[str, Array]:
    """Chooses at most `limit` examples of fixed splits; all shares stay.

    Args:
        labels: dict of split name -> its class numbers.
        limit: int.
        seed: int.

    Returns:
        dict of split name -> positions to keep.
    """
    strata = np.concatenate(
        [
            np.asarray(values, "int64") * len(labels) + i
            for i, values in enumerate(labels.values())
        ]
    )
    mask = np.zeros(len(strata), bool)
    mask[stratified_limit(strata, limit, seed)] = True
    ends = np.cumsum([np.size(values) for values in labels.values()])[:-1]
    return {
        name: np.flatnonzero(part)
        for name, part in zip(labels, np.split(mask, ends), strict=True)
    }
