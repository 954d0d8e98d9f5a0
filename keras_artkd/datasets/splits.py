"""Stratified, seeded and leak-free splits of examples."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
import numpy.typing as npt

from keras_artkd.types import Array

SPLITS = ("train", "validation", "test")


def join_groups(*keys: Sequence[Hashable]) -> Array:
    """Joins examples that share any key, directly or through others.

    Args:
        *keys: one or more sequences of hashables, all of one length `n`: for
            example the artist and the content digest of each example.

    Returns:
        int array `(n,)`: equal numbers for joined examples.

    Example:
        >>> join_groups(["a", "b", "c", "d"], [1, 1, 2, 3]).tolist()
        [0, 0, 2, 3]
    """
    if len({len(key) for key in keys}) != 1:
        raise ValueError(
            "Every key must name each example once. Received keys of length "
            f"{[len(key) for key in keys]}."
        )
    parent = list(range(len(keys[0])))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    for key in keys:
        first: dict[Hashable, int] = {}
        for i, value in enumerate(key):
            a, b = root(first.setdefault(value, i)), root(i)
            parent[max(a, b)] = min(a, b)
    return np.array([root(i) for i in range(len(parent))], "int64")


def stratified_split(
    labels: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int = 0,
) -> dict[str, Array]:
    """Splits examples so that every class keeps its share of every split.

    Without groups, the shares of each class are exact to within one example
    (further off only where the next sentence requires it). A class with at
    least as many groups (without groups: examples) as there are splits is in
    every split.

    With groups, no group is in two splits. The largest groups are assigned
    first, each to the split that lacks its classes most. Shares are therefore
    near but not exact.

    Args:
        labels: int `(n,)`, class numbers.
        groups: `(n,)` hashables or `None`. See `join_groups` for several.
        fractions: shares of train, validation and test, which sum to 1. A
            share of 0 leaves that split empty.
        seed: int.

    Returns:
        dict of split name -> sorted int array: disjoint, and together all of
        `range(n)`.
    """
    shares = np.asarray(fractions, "float64")
    if (
        shares.shape != (3,)
        or not (shares >= 0).all()
        or abs(shares.sum() - 1) > 1e-6
    ):
        raise ValueError(
            "`fractions` must be three shares (train, validation, test), none "
            f"negative, that sum to 1. Received: fractions={fractions}."
        )
    split = _split_numbers(labels, groups, shares, seed)
    return {name: np.flatnonzero(split == i) for i, name in enumerate(SPLITS)}


def stratified_folds(
    labels: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Array:
    """Divides examples into parts of equal shares of every class.

    Args:
        labels: int `(n,)`, class numbers.
        groups: `(n,)` hashables or `None`, as of `stratified_split`.
        folds: int, at least 2.
        seed: int.

    Returns:
        int `(n,)`, the number of each example's part, from 0 on.
    """
    return _split_numbers(labels, groups, np.full(folds, 1 / folds), seed)


def _split_numbers(
    labels: npt.ArrayLike,
    groups: npt.ArrayLike | None,
    shares: Array,
    seed: int,
) -> Array:
    """The number of the split of every example."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(
            "`labels` must be one class number per example, at least one. "
            f"Received: labels of shape {labels.shape}."
        )
    groups = np.arange(len(labels)) if groups is None else np.asarray(groups)
    if len(groups) != len(labels):
        raise ValueError(
            "`groups` must name each example once. Received: "
            f"{len(groups)} groups, {len(labels)} labels."
        )
    _, labels = np.unique(labels, return_inverse=True)
    _, groups = np.unique(groups, return_inverse=True)
    numbers: Array = _assign(labels, groups, shares, seed)[groups]
    return numbers


def _assign(labels: Array, groups: Array, fractions: Array, seed: int) -> Array:
    """Returns the split number of every group."""
    num_groups, num_classes = groups.max() + 1, labels.max() + 1
    # The classes of each group and how many examples of each, back to back.
    cells, counts = np.unique(groups * num_classes + labels, return_counts=True)
    classes = cells % num_classes
    starts = np.searchsorted(cells, np.arange(num_groups + 1) * num_classes)
    bounds = starts.tolist()

    rng = np.random.default_rng(seed)
    order = rng.permutation(num_groups)
    sizes = np.bincount(groups)
    order = order[np.argsort(-sizes[order], kind="stable")]

    class_sizes = np.bincount(labels)
    deficit = fractions[:, None] * class_sizes
    # The worth of one more example: all classes count alike, large or small.
    # Of equal claims, that of the split that lacks most examples wins.
    worth = 1 / class_sizes
    overall = fractions * len(labels)
    tie_break = 1e-6 / len(labels)
    closed = np.where(fractions > 0, 0.0, -np.inf)
    result = np.full(num_groups, -1)

    def put(group: int, split: int) -> None:
        mine = slice(bounds[group], bounds[group + 1])
        result[group] = split
        deficit[split, classes[mine]] -= counts[mine]
        overall[split] -= sizes[group]

    _reserve(put, result, order, cells, num_classes, fractions)
    for group in order.tolist():
        if result[group] < 0:
            mine = slice(bounds[group], bounds[group + 1])
            weights = counts[mine] * worth[classes[mine]]
            claim = deficit[:, classes[mine]] @ weights
            put(group, int(np.argmax(claim + tie_break * overall + closed)))
    return result


def _reserve(
    put: Callable[[int, int], None],
    result: Array,
    order: Array,
    cells: Array,
    num_classes: int,
    fractions: Array,
) -> None:
    """Puts each class that has enough groups into every split.

    The smallest groups are taken, and rare classes choose first. The largest
    split, train, chooses last.
    """
    rank = np.empty(len(order), "int64")
    rank[order] = np.arange(len(order))
    groups, classes = cells // num_classes, cells % num_classes
    by_class = np.argsort(classes, kind="stable")
    members = np.split(groups[by_class], np.cumsum(np.bincount(classes))[:-1])
    wanted = [i for i in np.argsort(fractions, kind="stable") if fractions[i]]
    for group_list in sorted(members, key=len):
        if len(group_list) < len(wanted):
            continue
        waiting = group_list[np.argsort(-rank[group_list])].tolist()
        for split in wanted:
            if not (result[group_list] == split).any():
                free = next((g for g in waiting if result[g] < 0), None)
                if free is not None:
                    put(free, split)


def stratified_limit(labels: npt.ArrayLike, limit: int, seed: int = 0) -> Array:
    """Picks at most `limit` examples; every class keeps its share.

    Args:
        labels: int `(n,)`, class numbers.
        limit: int, at least the number of classes.
        seed: int.

    Returns:
        sorted int array of positions, at least one of each class; all of
        them where `limit >= n`.
    """
    labels = np.asarray(labels)
    if limit >= len(labels):
        return np.arange(len(labels))
    _, labels, counts = np.unique(
        labels, return_inverse=True, return_counts=True
    )
    if limit < len(counts):
        raise ValueError(
            "`limit` must leave at least one example of each of the "
            f"{len(counts)} classes (of every split that is already fixed). "
            f"Received: limit={limit}. Fix: a limit of {len(counts)} or more."
        )
    exact = counts * limit / len(labels)
    take = np.maximum(1, np.floor(exact)).astype("int64")
    while take.sum() != limit:
        # One at a time, where it brings the shares nearest.
        step = np.sign(limit - take.sum())
        gain = step * (exact - take)
        gain[(take + step < 1) | (take + step > counts)] = -np.inf
        take[np.argmax(gain)] += step
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    within = np.arange(len(labels)) - np.repeat(starts, counts)
    return np.sort(order[within < np.repeat(take, counts)])
