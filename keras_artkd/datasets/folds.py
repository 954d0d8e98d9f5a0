"""Folds: every image is tested once, by a network that never saw it."""

import numpy as np

from keras_artkd.datasets.examples import Examples, Loaded, split_examples
from keras_artkd.datasets.splits import SPLITS, join_groups, stratified_folds
from keras_artkd.datasets.unlabelled import join

# Of what is not tested.
_VALIDATION = 0.15


def check_folds(folds: int | None, fold: int | None) -> None:
    """Raises ValueError for numbers that name no fold."""
    if folds is None:
        if fold is not None:
            raise ValueError(
                "`fold` is one of `folds`. Received: "
                f"fold={fold}, folds=None. Fix: folds=5."
            )
        return
    if folds < 2:
        raise ValueError(
            f"`folds` must be at least 2, or None. Received: folds={folds}."
        )
    if fold is not None and not 0 <= fold < folds:
        raise ValueError(
            f"`fold` must be 0 to {folds - 1}, or None. Received: fold={fold}."
        )


def split_fold(
    loaded: Loaded, by_group: bool, seed: int, folds: int, fold: int | None
) -> Loaded:
    """Divides all examples anew, so that one part of several tests.

    Args:
        loaded: `Loaded`, in memory, of any splits.
        by_group: bool, whether the images of a group stay together.
        seed: int.
        folds: int, number of parts of equal shares of every class.
        fold: int, the part that tests; of the others 15 % validate and the
            rest trains. None: all examples train, and are the test split as
            well, and the validation split is that of part 0, for what is said
            of all folds together.

    Raises:
        ValueError: if a part would be empty.
    """
    examples = join([loaded.parts[name] for name in SPLITS])
    numbers = fold_numbers(examples, by_group, seed, folds)
    tested = numbers == (fold or 0)
    learned = split_examples(
        examples.take(np.flatnonzero(~tested)),
        by_group,
        seed,
        (1 - _VALIDATION, _VALIDATION, 0),
    )
    parts = {**learned, "test": examples.take(np.flatnonzero(tested))}
    if fold is None:
        parts = {**parts, "train": examples, "test": examples}
    return loaded._replace(parts=parts)


def fold_numbers(
    examples: Examples, by_group: bool, seed: int, folds: int
) -> np.ndarray:
    """The part of every example, `(n,)`; equal pictures are in one."""
    keys = [examples.digests] + ([examples.groups] if by_group else [])
    groups = join_groups(*keys)
    labels = examples.store.labels
    numbers = stratified_folds(labels, groups, folds, seed)
    if len(np.unique(numbers)) < folds:
        raise ValueError(
            f"Every one of the {folds} folds needs an image. Received: "
            f"{len(examples)} images in {len(np.unique(groups))} groups that "
            "stay together. Fix: fewer folds."
        )
    return numbers
