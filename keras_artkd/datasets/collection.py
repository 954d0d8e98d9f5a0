"""The result of `load`: stores of images to train and test with."""

import dataclasses
import hashlib
import json
import typing
from collections.abc import Hashable, Sequence

import numpy as np

from keras_artkd.data.pixels import PixelFile, parts_of
from keras_artkd.data.store import NO_LABEL, ImageStore
from keras_artkd.datasets.examples import Examples, Loaded, Parts
from keras_artkd.datasets.records import Skipped
from keras_artkd.datasets.splits import SPLITS
from keras_artkd.output import on_one_line
from keras_artkd.types import Array

if typing.TYPE_CHECKING:  # It imports TensorFlow.
    from keras_artkd.data.stream import ImageStream


@dataclasses.dataclass(frozen=True)
class Collection:
    """A data set, split.

    No picture is in two splits, except of all folds together: then all images
    train, and test and validation hold some of them again.

    Attributes:
        name: str, as given to `load`.
        class_names: list of str; labels are positions in it.
        train: `ImageStore`, or `ImageStream` of a data set that does not fit
            in memory.
        validation: `ImageStore`.
        test: `ImageStore`.
        skipped: list of `Skipped`: files left out, or to look at.
        groups: dict of split name -> list of str: the artist (or scene) of
            each image of that split.
        unlabelled: `ImageStore` of further images to learn from, without
            labels and in none of the splits; or None.
        hidden_labels: int32 `(n,)`, the true labels of the images of
            `unlabelled`, `NO_LABEL` where unknown; or None. They measure
            pseudo-labels and serve nothing else.
    """

    name: str
    class_names: list[str]
    train: "ImageStore | ImageStream"
    validation: ImageStore
    test: ImageStore
    skipped: list[Skipped]
    groups: dict[str, list[str]]
    unlabelled: ImageStore | None = None
    hidden_labels: Array | None = None

    def fingerprint(self) -> str:
        """Returns a hex digest, equal for runs that saw the same splits."""
        return self._digest(SPLITS)

    def unlabelled_fingerprint(self) -> str | None:
        """Returns a digest of the images without labels; None without any.

        It is not part of `fingerprint`: a method that learns from labels alone
        sees the same splits, whatever further images there are.
        """
        return None if self.unlabelled is None else self._digest(["unlabelled"])

    def _digest(self, names: Sequence[str]) -> str:
        stores = [getattr(self, name) for name in names]

        def made(quickly: bool) -> str:
            digest = hashlib.sha256(json.dumps(self.class_names).encode())
            for name, store in zip(names, stores, strict=True):
                keys = [name, *store.keys.tolist()]
                digest.update(json.dumps(keys).encode())
                digest.update(store.labels.tobytes())
                if quickly and isinstance(store, ImageStore):
                    digest.update(store.place_digest())
                    continue
                for array in store.content():
                    digest.update(array)
            return digest.hexdigest()

        files = [
            part
            for store in stores
            if isinstance(store, ImageStore)
            for part in parts_of(store.pixels)
            if isinstance(part, PixelFile)
        ]
        # To read all of them takes a while.
        if files:
            return files[0].remembered(made(True), lambda: made(False))
        return made(False)


def collect(
    name: str,
    loaded: Loaded,
    by_group: bool,
    unlabelled: Examples | None = None,
    disjoint: bool = True,
) -> Collection:
    """Checks the splits, drops classes without images, renumbers labels.

    Args:
        name: str.
        loaded: `Loaded`.
        by_group: bool, whether groups must be disjoint too.
        unlabelled: `Examples` to learn from without their labels, which are
            hidden here (`NO_LABEL` where there is none); or None.
        disjoint: bool, whether no image may be in two splits.

    Returns:
        `Collection`.
    """
    class_names, parts, skipped = loaded
    empty = [split for split in SPLITS if not len(parts[split])]
    if empty:
        raise ValueError(
            "Every split must hold at least one image. Received: data set "
            f"{name!r} with {', '.join(empty)} empty "
            f"({', '.join(f'{s}: {len(parts[s])}' for s in SPLITS)}; "
            f"{len(skipped)} files left out). Fix: more images, more groups, "
            "or a larger limit."
        )
    checked = parts if disjoint else {"train": parts["train"]}
    _check_disjoint(name, checked, "digests")
    if by_group:
        _check_disjoint(name, checked, "groups")
    used = np.unique(np.concatenate([p.store.labels for p in parts.values()]))
    number = np.zeros(len(class_names), "int32")
    number[used] = np.arange(len(used))
    stores: dict[str, typing.Any] = {
        split: dataclasses.replace(part.store, labels=number[part.store.labels])
        for split, part in parts.items()
    }
    store = hidden = None
    if unlabelled is not None:
        checked = {**checked, "unlabelled": unlabelled}
        _check_disjoint(name, checked, "digests")
        if by_group:  # Train may have paintings of the same artists.
            others = {k: v for k, v in checked.items() if k != "train"}
            _check_disjoint(name, others, "groups")
        assert isinstance(unlabelled.store, ImageStore)
        labels = unlabelled.store.labels
        hidden = np.where(labels == NO_LABEL, NO_LABEL, number[labels])
        store = dataclasses.replace(
            unlabelled.store, labels=np.full_like(labels, NO_LABEL)
        )
    return Collection(
        name=name,
        # Names of files and archives can hold anything.
        class_names=[on_one_line(str(class_names[i])) for i in used],
        **stores,
        skipped=list(skipped),
        groups={split: list(part.groups) for split, part in parts.items()},
        unlabelled=store,
        hidden_labels=hidden,
    )


def _check_disjoint(name: str, parts: Parts, kind: str) -> None:
    """Raises if splits overlap: the last check of the protocol."""
    seen: dict[Hashable, str] = {}
    for split, part in parts.items():
        for value in set(getattr(part, kind)):
            if value in seen:
                raise RuntimeError(
                    "Internal error: splits must be disjoint, but "
                    f"{seen[value]} and {split} of {name!r} share one of "
                    f"their {kind}: {value}. Please report this."
                )
            seen[value] = split
