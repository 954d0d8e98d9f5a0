"""Index of the MultitaskPainting100k archive, by its two csv files."""

import pathlib
from collections.abc import Iterator

from keras_artkd.datasets.files import (
    list_files,
    missing_message,
    relative_key,
    why_no_image,
)
from keras_artkd.datasets.records import Index, Record, Skipped
from keras_artkd.text_files import read_text, table_reader
from keras_artkd.types import Path

_CSV = "groundtruth_multiloss_{}_header.csv"
_CSV_FOLDER = "MultitaskPainting100k_Dataset_groundtruth"

INSTRUCTIONS = f"""\
Get the images and the ground truth from
http://www.ivl.disco.unimib.it/activities/paintings/ and extract both into the
manual directory, which then holds `images/<number>.jpg` and
`{_CSV_FOLDER}/{_CSV.format("train")}` and
`{_CSV_FOLDER}/{_CSV.format("test")}`.
"""


def build_index(root: Path, official: bool = False) -> Index:
    """Joins the ground truth with the files on disk.

    Args:
        root: directory that holds `images/` and the ground truth.
        official: unused: both lists are needed in any case.

    Returns:
        `Index` with the styles of the lists as classes, sorted; keys are file
        names. `skipped` lists what is in one place only.
    """
    root = pathlib.Path(root)
    # Test first: it stays whole.
    names = ("test", "train")
    found = {name: _find_csv(root, name) for name in names}
    lists = {name: path for name, path in found.items() if path is not None}
    absent = [_CSV.format(name) for name in names if name not in lists]
    images = root / "images"
    if not images.is_dir():
        absent.append("images/")
    if absent:
        raise ValueError(
            missing_message(" and ".join(absent), root, INSTRUCTIONS)
        )
    skipped: list[Skipped] = []
    rows: dict[str, tuple[str, str, str]] = {}  # name -> artist, style, list
    for name, path in lists.items():
        for file_name, artist, style in _rows(path, skipped):
            if file_name in rows:
                skipped.append(
                    Skipped(
                        file_name,
                        f"listed again in {path.name}, which was not used",
                    )
                )
            else:
                rows[file_name] = (artist, style, name)
    files = _files(images, skipped)
    class_names = sorted({style for _, style, _ in rows.values()})
    labels = {style: i for i, style in enumerate(class_names)}
    records: list[Record] = []
    test_keys: set[str] = set()
    for key, (artist, style, name) in sorted(rows.items()):
        # Lists and disk may differ in the case of an extension.
        if key.casefold() not in files:
            skipped.append(Skipped(key, "listed in a csv file, not on disk"))
            continue
        path = files.pop(key.casefold())
        records.append(Record(path, key, labels[style], artist or key))
        if name == "test":
            test_keys.add(key)
    skipped += [
        Skipped(relative_key(path, images), "on disk, but in no csv file")
        for path in files.values()
    ]
    return Index(class_names, records, skipped, frozenset(test_keys))


def _find_csv(root: pathlib.Path, name: str) -> pathlib.Path | None:
    for folder in (_CSV_FOLDER, "."):
        path = root / folder / _CSV.format(name)
        if path.is_file():
            return path
    return None


def _rows(
    path: pathlib.Path, skipped: list[Skipped]
) -> Iterator[tuple[str, str, str]]:
    """Yields `(file name, artist, style)`, the first three columns.

    Names are stripped, also of no-break spaces. TFDS strips the class names
    that it reads back, and `Perceptism ` would become another class.
    """
    rows = table_reader(read_text(path, fallback="cp1252"))
    next(rows, None)  # Its header.
    for row in rows:
        if not any(row):
            continue
        name, artist, style = (cell.strip() for cell in [*row, "", ""][:3])
        if name and style:
            yield name, artist, " ".join(style.splitlines())
        else:
            skipped.append(
                Skipped(
                    name or f"line {rows.line_num} of {path.name}",
                    f"{path.name} gives no {'style' if name else 'file name'}",
                )
            )


def _files(
    images: pathlib.Path, skipped: list[Skipped]
) -> dict[str, pathlib.Path]:
    """Returns dict of case-folded key -> path of the images on disk."""
    files: dict[str, pathlib.Path] = {}
    for path in list_files(images):
        key = relative_key(path, images)
        if reason := why_no_image(path):
            skipped.append(Skipped(key, reason))
        elif key.casefold() in files:
            skipped.append(
                Skipped(key, "its name differs from another's in case only")
            )
        else:
            files[key.casefold()] = path
    return files
