"""Index of the Stanford 40 Actions archive, by its lists."""

import pathlib

from keras_artkd.datasets.archives.official_lists import (
    Row,
    find_parts,
    join_lists,
    read_lines,
)
from keras_artkd.datasets.files import (
    is_image,
    list_files,
    missing_message,
    relative_key,
)
from keras_artkd.datasets.records import Index
from keras_artkd.types import Path

INSTRUCTIONS = """\
Get Stanford40_JPEGImages.zip and Stanford40_ImageSplits.zip from
http://vision.stanford.edu/Datasets/40actions.html (300 MB) and extract both
into the manual directory, which then holds `JPEGImages/<action>_<number>.jpg`
and `ImageSplits/<action>_train.txt`, `ImageSplits/<action>_test.txt`.
"""
_SPLITS = ("train", "test")


def build_index(root: Path) -> Index:
    """Joins the lists of each action with the files on disk.

    Args:
        root: directory that holds `JPEGImages/` and `ImageSplits/`, or one
            with both in a folder `Stanford40`.

    Returns:
        `Index`; classes are the actions, sorted; keys are file names.
    """
    images, lists = find_parts(
        root, "Stanford40", ("JPEGImages", "ImageSplits"), INSTRUCTIONS
    )
    actions = _actions(lists)
    absent = [
        f"{action}_{split}.txt"
        for action in actions
        for split in _SPLITS
        if not (lists / f"{action}_{split}.txt").is_file()
    ]
    if absent or not actions:
        more = f", ... ({len(absent)} lists)" if len(absent) > 3 else ""
        raise ValueError(
            missing_message(
                (", ".join(absent[:3]) or "<action>_train.txt") + more,
                lists,
                INSTRUCTIONS,
            )
        )
    rows = [
        Row(key, label, split == "test", f"{action}_{split}.txt")
        for label, action in enumerate(actions)
        for split in _SPLITS
        for key in read_lines(lists / f"{action}_{split}.txt")
    ]
    files = {
        relative_key(path, images): path
        for path in list_files(images)
        if is_image(path)
    }
    return join_lists(actions, rows, files, root, INSTRUCTIONS)


def _actions(lists: pathlib.Path) -> list[str]:
    """Returns the actions that have a list, or are in `actions.txt`.

    `train.txt` and `test.txt` hold the same files again, of all actions.
    """
    names = {
        path.stem.removesuffix(f"_{split}")
        for split in _SPLITS
        for path in lists.glob(f"*_{split}.txt")
    }
    if (lists / "actions.txt").is_file():
        # A header, then a name and a number in each line.
        lines = read_lines(lists / "actions.txt")[1:]
        names |= {line.split()[0] for line in lines}
    return sorted(names)
