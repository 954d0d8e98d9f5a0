"""Folders that are splits, `train/ val/ test/`, with the classes inside."""

import pathlib
from collections.abc import Sequence

from keras_artkd.datasets.files import (
    is_image,
    list_class_folders,
    list_folders,
    walk_files,
)

# Spellings of each split, in lower case, without a "set" at the end.
_SPELLINGS = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "validate", "dev"),
    "test": ("test", "testing", "tst", "eval", "evaluation", "holdout"),
}


def split_name(folder: str) -> str | None:
    """The split that a folder's name means, None if it means none.

    Example:
        >>> split_name("Valid"), split_name("test_set"), split_name("Rococo")
        ('validation', 'test', None)
    """
    bare = folder.lower().removesuffix("set").rstrip("_- ")
    for split, spellings in _SPELLINGS.items():
        if bare in spellings:
            return split
    return None


def find_split_folders(root: pathlib.Path) -> dict[str, pathlib.Path] | None:
    """The folders of a data directory by split; None if they are classes.

    They are splits if `train` and another are among them, in any usual
    spelling, and hold folders of the same names.

    Args:
        root: the data directory, which exists.

    Returns:
        dict of train, validation and test, as far as they are there -> folder.

    Raises:
        ValueError: if some folders are splits and others classes, if a split is
            there twice, or if they hold no classes.
    """
    folders = list_class_folders(root)
    named = [(split_name(folder.name), folder) for folder in folders]
    splits = [(split, folder) for split, folder in named if split]
    known = [folder for _, folder in splits]
    if "train" not in dict(splits) or len(dict(splits)) < 2:
        # A train is also a vehicle.
        return None
    inside = [_names(folder) for _, folder in splits]
    if not any(inside):
        raise ValueError(
            f"{_listed(known)} must hold one folder for each class. "
            f"Received: {root}, where they hold images alone. Fix: "
            "train/<class>/<image>, test/<class>/<image>."
        )
    if not set.intersection(*inside):
        return None
    others = [folder for split, folder in named if not split]
    # What is empty of images is no class either.
    others = [f for f in others if any(map(is_image, walk_files(f)))]
    if others:
        raise ValueError(
            "The folders of a data directory must be classes, or splits that "
            f"hold classes. Received: {root}, where {_listed(known)} are "
            f"splits and {_listed(others)} not. Fix: move the others away."
        )
    if len(splits) > len(dict(splits)):
        raise ValueError(
            "Each split must be there once. Received: "
            f"{root} with {_listed(known)}. Fix: join those that mean the "
            "same."
        )
    return dict(splits)


def _names(folder: pathlib.Path) -> set[str]:
    return {inner.name for inner in list_folders(folder)}


def _listed(folders: Sequence[pathlib.Path]) -> str:
    return ", ".join(f"{folder.name}/" for folder in folders)
