"""Index of the Tiny ImageNet archive, by its folders and its lists."""

import collections
import pathlib

from keras_artkd.datasets.archives.official_lists import (
    Row,
    find_parts,
    join_lists,
    read_lines,
)
from keras_artkd.datasets.files import is_image, list_files, list_folders
from keras_artkd.datasets.records import Index, Skipped
from keras_artkd.types import Path

INSTRUCTIONS = """\
Get http://cs231n.stanford.edu/tiny-imagenet-200.zip (240 MB) and extract it
into the manual directory, which then holds `tiny-imagenet-200/wnids.txt`,
`words.txt`, `train/<wnid>/images/<wnid>_<number>.JPEG`,
`val/val_annotations.txt` and `val/images/val_<number>.JPEG`.
"""
_ANNOTATIONS = "val/val_annotations.txt"


def build_index(root: Path) -> Index:
    """Lists the images of `train/` and `val/`.

    `val/` is the test split; `test/` has no labels and is ignored. Files are
    found by their names anywhere in `val/`, because many users sort them into
    folders of classes.

    Args:
        root: directory that holds `tiny-imagenet-200/`, or that folder.

    Returns:
        `Index`; classes in the order of their WordNet numbers, which is the
        order of ImageNet's. Keys are file names.
    """
    numbers, words, train, annotations = find_parts(
        root,
        "tiny-imagenet-200",
        ("wnids.txt", "words.txt", "train", _ANNOTATIONS),
        INSTRUCTIONS,
    )
    wnids = sorted(set(read_lines(numbers)))
    labels = {wnid: label for label, wnid in enumerate(wnids)}
    rows: list[Row] = []
    files: dict[str, pathlib.Path] = {}
    skipped = [
        Skipped(f"train/{folder.name}", "a folder that wnids.txt does not name")
        for folder in list_folders(train)
        if folder.name not in labels
    ]
    for wnid in wnids:
        images = _images(train / wnid)
        files |= images
        rows += [Row(key, labels[wnid], False, "train") for key in images]
    files |= _images(annotations.parent)
    for line in read_lines(annotations):
        key, wnid = [*line.split(), ""][:2]
        if wnid in labels:
            rows.append(Row(key, labels[wnid], True, _ANNOTATIONS))
        else:
            skipped.append(
                Skipped(key, f"{_ANNOTATIONS} names no class of wnids.txt")
            )
    index = join_lists(
        _class_names(wnids, read_lines(words)), rows, files, root, INSTRUCTIONS
    )
    index.skipped.extend(skipped)
    return index


def _images(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns dict of name -> path of all images in a folder, at any depth.

    The other files there are lists.
    """
    files = list_files(folder) if folder.is_dir() else []
    return {path.name: path for path in files if is_image(path)}


def _class_names(wnids: list[str], lines: list[str]) -> list[str]:
    """Returns the first word for each number; a repeated one with the number.

    Lines are `n01443537<tab>goldfish, Carassius auratus`.
    """
    words = dict(line.split("\t", 1) for line in lines if "\t" in line)
    names = [words.get(w, w).split(",")[0].strip() or w for w in wnids]
    counts = collections.Counter(names)
    return [
        name if counts[name] == 1 else f"{name} ({wnid})"
        for name, wnid in zip(names, wnids, strict=True)
    ]
