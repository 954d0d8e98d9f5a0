"""Files and folders of a data folder that the loader does not take."""

import pathlib
from collections.abc import Collection

from keras_artkd.data.formats import why_unread
from keras_artkd.data.images import UnreadableImage, opened
from keras_artkd.datasets.exclusions import file_name
from keras_artkd.datasets.files import (
    LINKED_FOLDER,
    is_litter,
    list_files,
    list_folders,
    printable,
    unlabelled_folder,
    why_no_image,
)
from keras_artkd.datasets.folder import class_folders
from keras_artkd.types import Path


def find_strays(
    root: Path,
) -> tuple[
    list[dict[str, str | None]], list[dict[str, str]], list[dict[str, str]]
]:
    """Finds files that are not taken as images, by their place or extension.

    Returns:
        `(misnamed, unread, ignored)`: `{file, format}` of files that are
        images by their content but not by their extension, `{file, reason}`
        of pictures in formats that are not read here, and of other files.
    """
    misnamed, unread, ignored = [], [], []
    for path in sorted(pathlib.Path(root).iterdir()):
        if not path.is_dir() and not is_litter(path.name):
            name = file_name(path, root)
            ignored.append({"file": name, "reason": "not in a class folder"})
    if (inner := unlabelled_folder(root)) is not None:
        name = file_name(inner, root)
        ignored.append({"file": name, "reason": "images without labels"})
    for folder in list_folders(root):
        for path in list_files(folder):
            reason = why_no_image(path)
            if reason is None:
                continue
            name = file_name(path, root)
            if reason == LINKED_FOLDER:
                ignored.append({"file": name, "reason": reason})
                continue
            try:
                with opened(path) as image:
                    misnamed.append({"file": name, "format": image.format})
            except UnreadableImage:
                if kind := why_unread(path):
                    unread.append({"file": name, "reason": kind})
                else:
                    ignored.append({"file": name, "reason": "not an image"})
    return misnamed, unread, ignored


def empty_classes(root: Path, class_names: Collection[str]) -> list[str]:
    """Names of class folders without images."""
    names = [
        printable(folder.name) for folder in class_folders(pathlib.Path(root))
    ]
    return sorted({*names} - {*class_names})
