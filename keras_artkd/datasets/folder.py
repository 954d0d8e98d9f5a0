"""A folder of labelled images: one folder per class."""

import collections
import os
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np

from keras_artkd.data.formats import why_unread
from keras_artkd.datasets.examples import (
    Examples,
    Loaded,
    Parts,
    drop_leaks,
    split_examples,
    split_official,
)
from keras_artkd.datasets.exclusions import exclude_records, read_exclusions
from keras_artkd.datasets.files import (
    is_image,
    is_litter,
    list_class_folders,
    list_files,
    list_folders,
    missing_message,
    printable,
    relative_key,
    unlabelled_folder,
    walk_files,
    why_no_image,
)
from keras_artkd.datasets.records import (
    Record,
    Skipped,
    read_records,
    source_of,
)
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.split_folders import find_split_folders
from keras_artkd.datasets.splits import SPLITS, stratified_limit
from keras_artkd.types import Path

# Of train, where folders give no split to validate with.
_VALIDATION = 0.15
# The reason of a `Skipped` class begins so.
EMPTY_CLASS = "class folder without images"
_LAYOUT = "one folder per class, `<class>/<image>`, at least two classes."


def check_folder(request: LoadRequest) -> None:
    """Checks that there are two classes, reading no more than necessary."""
    with_images = (
        folder.name
        for folder in class_folders(pathlib.Path(request.folder))
        if any(map(is_image, walk_files(folder)))
    )
    # The same class may be in several splits.
    first = next(with_images, None)
    if first is None or all(name == first for name in with_images):
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
        records,
        request.short_side,
        cache=request.images,
        source=source_of(records),
    )
    examples = Examples(store, groups, digests)
    if not len(examples):
        raise ValueError(
            "The data directory must hold images that can be read. Received: "
            f"data_dir={str(request.folder)!r}, where none of {len(records)} "
            f"can, the first because: {unreadable[0].reason}."
        )
    skipped = skipped + unreadable
    inner = unlabelled_folder(request.folder)
    if inner is not None and request.unlabelled_dir is None:
        reason = "images without labels, from which nobody learns here"
        skipped = [Skipped(printable(inner.name), reason), *skipped]
    splits = find_split_folders(pathlib.Path(request.folder))
    if splits is None:
        parts = split_examples(examples, request.by_artist, request.split_seed)
        return Loaded(class_names, parts, skipped)
    parts, leaks = _given_splits(examples, splits, request.split_seed)
    return Loaded(class_names, parts, skipped + leaks)


def _given_splits(
    examples: Examples, splits: Mapping[str, pathlib.Path], seed: int
) -> tuple[Parts, list[Skipped]]:
    """The splits that folders make; where one is missing, train gives it.

    Where there is one held-out split, it tests, whatever it is called.
    """
    first = np.array([str(key).split("/")[0] for key in examples.store.keys])
    given = {
        split: examples.take(np.flatnonzero(first == printable(folder.name)))
        for split, folder in splits.items()
    }
    if len(given) == len(SPLITS):
        return drop_leaks({name: given[name] for name in SPLITS})
    test = given.get("test") or given["validation"]
    return split_official(given["train"], test, _VALIDATION, None, seed)


def find_records(
    root: Path,
) -> tuple[list[str], list[Record], list[Skipped]]:
    """Lists the images of a `class/image` tree, at any depth below the class.

    Where the folders are splits (`train/ val/ test/`), the tree is
    `split/class/image`; keys tell the split.

    A folder `unlabelled` beside the classes is none: see `load`.

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
    folders = class_folders(root)
    skipped = [
        Skipped(relative_key(path, root), "not in a class folder")
        for place in (root, *(find_split_folders(root) or {}).values())
        for path in sorted(place.iterdir())
        if not path.is_dir() and not is_litter(path.name)
    ]
    found: dict[str, list[tuple[pathlib.Path, str]]] = {}
    for folder in folders:
        images = found.setdefault(printable(folder.name), [])
        for path in list_files(folder):
            key = relative_key(path, root)
            if reason := why_no_image(path):
                skipped.append(Skipped(key, reason))
            else:
                images.append((path, key))
    empty = {
        name: _what_is_there(name, skipped)
        for name, images in found.items()
        if not images
    }
    # First, for a class that is not there is worse than a file.
    skipped = [
        *(Skipped(name, EMPTY_CLASS + what) for name, what in empty.items()),
        *skipped,
    ]
    class_names = sorted(name for name, images in found.items() if images)
    records = [
        Record(path, key, label, artist(path.name) or key)
        for label, name in enumerate(class_names)
        for path, key in found[name]
    ]
    if len(class_names) < 2:
        others = ", ".join(name + what for name, what in empty.items())
        raise ValueError(
            "A classifier needs at least two classes with images. Received: "
            f"data_dir={str(root)!r}, where {class_names or 'no folder'} holds "
            f"images and {others or 'no folder'} holds none. Fix: {_LAYOUT}"
        )
    return class_names, records, skipped


def _what_is_there(name: str, skipped: Iterable[Skipped]) -> str:
    """The pictures of a class folder that are not read, by extension."""
    suffixes = collections.Counter(
        pathlib.PurePath(item.key).suffix.lower()
        for item in skipped
        if name in item.key.split("/")[:-1] and why_unread(item.key)
    )
    listed = ", ".join(f"{n} {suffix}" for suffix, n in suffixes.items())
    return f" that can be read (but {listed})" if listed else ""


def class_folders(root: pathlib.Path) -> list[pathlib.Path]:
    """The folders of the classes; of each split, where there are splits."""
    folders = list_class_folders(root) if root.is_dir() else []
    if not folders:
        raise ValueError(missing_message("Class folders", root, _LAYOUT))
    splits = find_split_folders(root)
    if splits is None:
        return folders
    return [inner for each in splits.values() for inner in list_folders(each)]


def artist(file_name: str) -> str:
    """Returns the part of a file name before its first `_`, "" without one."""
    before, separator, _ = file_name.partition("_")
    return os.fsencode(before).decode("utf-8", "backslashreplace") * bool(
        separator
    )
