"""A folder of labelled images: one folder per class."""

import os
import pathlib

from keras_artkd.datasets.files import (
    is_litter,
    list_files,
    list_folders,
    missing_message,
    relative_key,
    why_no_image,
)
from keras_artkd.datasets.records import Record, Skipped

_LAYOUT = "one folder per class, `<class>/<image>`, at least two classes."


def find_records(root):
    """Lists the images of a `class/image` tree, however deep below the class.

    The artist is the part of a file name before its first `_`, as WikiArt
    writes it; a name without `_` is its own group.

    Args:
        root: directory of class folders. A link to a folder may be one;
            further down, such links are not followed.

    Returns:
        `(class_names, records, skipped)`: names sorted, records sorted by
        key with labels into the names, and every file or class folder left
        out (hidden ones and what systems leave behind pass in silence).

    Raises:
        ValueError: if there are no two class folders with images.
        OSError: if a folder cannot be read.
    """
    root = pathlib.Path(root)
    folders = list_folders(root) if root.is_dir() else []
    if not folders:
        raise ValueError(missing_message("Class folders", root, _LAYOUT))
    skipped = [
        Skipped(relative_key(path, root), "not in a class folder")
        for path in sorted(root.iterdir())
        if not path.is_dir() and not is_litter(path.name)
    ]
    class_names, records, empty = [], [], []
    for folder in folders:
        name = relative_key(folder, root)
        found = []
        for path in list_files(folder):
            key = relative_key(path, root)
            if reason := why_no_image(path):
                skipped.append(Skipped(key, reason))
            else:
                group = artist(path.name) or key
                found.append(Record(path, key, len(class_names), group))
        if found:
            class_names.append(name)
            records += found
        else:
            empty.append(name)
            skipped.append(Skipped(name, "class folder without images"))
    if len(class_names) < 2:
        raise ValueError(
            "A classifier needs at least two classes with images. Received: "
            f"data_dir={str(root)!r}, where {class_names or 'no folder'} holds "
            f"images and {empty or 'no folder'} holds none. Fix: {_LAYOUT}"
        )
    return class_names, records, skipped


def artist(file_name):
    """The part of a file name before its first `_`, "" where there is none."""
    before, separator, _ = file_name.partition("_")
    return os.fsencode(before).decode("utf-8", "backslashreplace") * bool(
        separator
    )
