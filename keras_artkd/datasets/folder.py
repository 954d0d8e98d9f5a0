"""A folder of labelled images: one folder per class."""

import itertools
import os
import pathlib

from keras_artkd.datasets.examples import Examples, Loaded, split_examples
from keras_artkd.datasets.exclusions import exclude_records, read_exclusions
from keras_artkd.datasets.files import (
    is_image,
    is_litter,
    list_files,
    list_folders,
    missing_message,
    relative_key,
    walk_files,
    why_no_image,
)
from keras_artkd.datasets.records import Record, Skipped, read_records
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.splits import stratified_limit
from keras_artkd.types import Path

_LAYOUT = "one folder per class, `<class>/<image>`, at least two classes."


def check_folder(request: LoadRequest) -> None:
    """Checks that there are two classes, reading no more than necessary."""
    folders = _class_folders(pathlib.Path(request.folder))
    with_images = (f for f in folders if any(map(is_image, walk_files(f))))
    if len(list(itertools.islice(with_images, 2))) < 2:
        find_records(request.folder)  # It says what is there instead.
    if request.options.get("exclude") is not None:
        read_exclusions(request.options["exclude"])


def load_folder(request: LoadRequest, *, exclude: Path | None = None) -> Loaded:
    """Loads a directory of class folders, less the files of a list."""
    class_names, records, skipped = find_records(request.folder)
    if exclude is not None:
        records, excluded = exclude_records(records, request.folder, exclude)
        skipped = skipped + excluded
    if request.by_artist and all(r.group == r.key for r in records):
        raise ValueError(
            'group="artist" needs file names `<artist>_<title>`. Received: '
            f"data_dir={str(request.folder)!r}, where no file name holds an "
            '"_". Fix: group="none".'
        )
    if request.limit is not None:  # Before decoding, which takes the time.
        chosen = stratified_limit(
            [record.label for record in records],
            request.limit,
            request.split_seed,
        )
        records = [records[i] for i in chosen]
    store, groups, digests, unreadable = read_records(
        records, request.short_side
    )
    examples = Examples(store, groups, digests)
    if not len(examples):
        raise ValueError(
            "The data directory must hold images that can be read. Received: "
            f"data_dir={str(request.folder)!r}, where none of {len(records)} "
            f"can, the first because: {unreadable[0].reason}."
        )
    parts = split_examples(examples, request.by_artist, request.split_seed)
    return Loaded(class_names, parts, skipped + unreadable)


def find_records(
    root: Path,
) -> tuple[list[str], list[Record], list[Skipped]]:
    """Lists the images of a `class/image` tree, at any depth below the class.

    The artist is the part of a file name before its first `_`, as in WikiArt.
    A name without `_` is its own group.

    Args:
        root: directory of class folders. A class folder may be a link. Further
            down, links to folders are not followed.

    Returns:
        `(class_names, records, skipped)`: sorted names; records sorted by key,
        whose labels are positions in the names; and every file or class folder
        left out (except hidden files and those that systems leave behind).

    Raises:
        ValueError: if fewer than two class folders hold images.
        OSError: if a folder cannot be read.
    """
    root = pathlib.Path(root)
    folders = _class_folders(root)
    skipped = [
        Skipped(relative_key(path, root), "not in a class folder")
        for path in sorted(root.iterdir())
        if not path.is_dir() and not is_litter(path.name)
    ]
    class_names: list[str] = []
    records: list[Record] = []
    empty: list[str] = []
    for folder in folders:
        name = relative_key(folder, root)
        found: list[Record] = []
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


def _class_folders(root: pathlib.Path) -> list[pathlib.Path]:
    folders = list_folders(root) if root.is_dir() else []
    if not folders:
        raise ValueError(missing_message("Class folders", root, _LAYOUT))
    return folders


def artist(file_name: str) -> str:
    """Returns the part of a file name before its first `_`, "" without one."""
    before, separator, _ = file_name.partition("_")
    return os.fsencode(before).decode("utf-8", "backslashreplace") * bool(
        separator
    )
