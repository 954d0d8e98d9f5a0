"""Index of the WikiArt archive, by its folders and its csv files."""

import collections
import pathlib
import re
import unicodedata
from collections.abc import Iterator

from keras_artkd.datasets.files import (
    list_files,
    missing_message,
    relative_key,
    why_no_image,
)
from keras_artkd.datasets.folder import artist
from keras_artkd.datasets.records import Index, Record, Skipped
from keras_artkd.text_files import read_text, table_reader
from keras_artkd.types import Path

CLASS_NAMES = (
    "Abstract_Expressionism Action_painting Analytical_Cubism "
    "Art_Nouveau_Modern Baroque Color_Field_Painting Contemporary_Realism "
    "Cubism Early_Renaissance Expressionism Fauvism High_Renaissance "
    "Impressionism Mannerism_Late_Renaissance Minimalism "
    "Naive_Art_Primitivism New_Realism Northern_Renaissance Pointillism "
    "Pop_Art Post_Impressionism Realism Rococo Romanticism Symbolism "
    "Synthetic_Cubism Ukiyo_e"
).split()
# Only style_class.txt calls class 3 so; folders and csv rows do not.
_ALIASES = {"Art_Nouveau": "Art_Nouveau_Modern"}

INSTRUCTIONS = """\
Get `wikiart.zip` (25 GB) and `wikiart_csv.zip` as described at
https://github.com/cs-chan/ArtGAN/tree/master/WikiArt%20Dataset and extract
both into the manual directory, which then holds
`wikiart/<Style>/<artist>_<title>.jpg` and
`wikiart_csv/style_train.csv`, `wikiart_csv/style_val.csv`.
Without the csv files every image in a style folder is taken and there is no
official split.
"""

_LABELS = {name: i for i, name in enumerate(CLASS_NAMES)}


def build_index(root: Path, official: bool = False) -> Index:
    """Joins the archive's lists with the files on disk.

    The lists and each tool that unzips damaged non-ASCII names in different
    ways. A file that no list names exactly is therefore matched by its style
    and the ASCII letters and digits of its name, if only one fits.

    Args:
        root: directory that holds `wikiart/` and the csv files.
        official: bool, whether the official test split (`style_val.csv`) is
            requested, for which both csv files are necessary.

    Returns:
        `Index` of all 27 styles, present or not. Keys are paths below the
        image folder. `skipped` lists what is in one place only.
    """
    root = pathlib.Path(root)
    images = _image_folder(root)
    files, skipped = _files(images)
    names = ("train", "val")
    found = {name: _find_csv(root, f"style_{name}.csv") for name in names}
    lists = {name: path for name, path in found.items() if path is not None}
    absent = [f"style_{name}.csv" for name in names if name not in lists]
    if absent and (official or len(absent) == 1):
        raise ValueError(
            missing_message(" and ".join(absent), root, INSTRUCTIONS)
        )
    if absent:
        records = [_record(path, key) for key, path in files.items()]
        return Index(list(CLASS_NAMES), records, skipped)
    rows: dict[str, tuple[int, str]] = {}  # key -> label, list
    for name, path in lists.items():
        for key, label in _rows(path, skipped):
            if key in rows:
                skipped.append(Skipped(key, "listed twice in the csv files"))
            else:
                rows[key] = (label, name)
    pairs = _match(rows, files, skipped)
    records = [
        Record(files[on_disk], on_disk, rows[listed][0], _group(on_disk))
        for listed, on_disk in pairs
    ]
    test_keys = {disk for listed, disk in pairs if rows[listed][1] == "val"}
    records.sort(key=lambda record: record.key)
    return Index(list(CLASS_NAMES), records, skipped, frozenset(test_keys))


def skeleton(key: str) -> tuple[str, str]:
    """Returns what no damage to a name changes: style, ASCII letters, digits.

    Example:
        >>> skeleton("Cubism/andrã©-lhote_1.jpg")
        ('Cubism', 'andrlhote1jpg')
    """
    style, _, name = key.partition("/")
    name = unicodedata.normalize("NFC", name)  # macOS takes é apart.
    # Info-ZIP and backslash escapes are ASCII, but stand for what is not.
    name = re.sub(r"#U[0-9a-f]{4}|\\x[0-9a-f]{2}", "", name)
    return style, re.sub(r"[^a-z0-9]", "", name.lower())


def _image_folder(root: pathlib.Path) -> pathlib.Path:
    for folder in (root / "wikiart", root):
        if folder.is_dir() and any(
            (folder / name).is_dir() for name in (*CLASS_NAMES, *_ALIASES)
        ):
            return folder
    raise ValueError(
        missing_message(
            "The folder `wikiart` with style folders such as `Baroque`",
            root,
            INSTRUCTIONS,
        )
    )


def _find_csv(root: pathlib.Path, name: str) -> pathlib.Path | None:
    for folder in ("wikiart_csv", "Style", ".", "wikiart", "wikiart/Style"):
        path = root / folder / name
        if path.is_file():
            return path
    return None


def _files(
    images: pathlib.Path,
) -> tuple[dict[str, pathlib.Path], list[Skipped]]:
    """Returns dict of key -> path of the images in style folders, and the rest.

    The rest is a list of `Skipped`.
    """
    files: dict[str, pathlib.Path] = {}
    skipped: list[Skipped] = []
    for folder in sorted(images.iterdir()):
        style = _ALIASES.get(folder.name, folder.name)
        if style not in _LABELS or not folder.is_dir():
            continue
        for path in list_files(folder):
            key = f"{style}/{relative_key(path, folder)}"
            if reason := why_no_image(path):
                skipped.append(Skipped(key, reason))
            elif key in files:
                skipped.append(Skipped(key, f"also in {folder.name}"))
            else:
                files[key] = path
    return files, skipped


def _rows(
    path: pathlib.Path, skipped: list[Skipped]
) -> Iterator[tuple[str, int]]:
    """Yields `(key, label)` of a csv file; lists rows that make no sense."""
    for row in table_reader(read_text(path, fallback="utf-8")):
        if not row:
            continue
        style, _, name = row[0].strip().partition("/")
        style = _ALIASES.get(style, style)
        if style not in _LABELS or not name:
            skipped.append(Skipped(row[0], f"{path.name} names no known style"))
        elif len(row) < 2 or row[1].strip() != str(_LABELS[style]):
            skipped.append(
                Skipped(
                    row[0],
                    f"{path.name} says class {row[1:]}, its folder is class "
                    f"{_LABELS[style]}",
                )
            )
        else:
            yield f"{style}/{name}", _LABELS[style]


def _match(
    rows: dict[str, tuple[int, str]],
    files: dict[str, pathlib.Path],
    skipped: list[Skipped],
) -> list[tuple[str, str]]:
    """Pairs `(listed key, key on disk)`; the rest goes to `skipped`."""
    pairs = [(key, key) for key in rows if key in files]
    by_skeleton: dict[tuple[str, str], tuple[list[str], list[str]]]
    by_skeleton = collections.defaultdict(lambda: ([], []))
    for key in rows:
        if key not in files:
            by_skeleton[skeleton(key)][0].append(key)
    for key in files:
        if key not in rows:
            by_skeleton[skeleton(key)][1].append(key)
    for listed, on_disk in by_skeleton.values():
        if len(listed) == len(on_disk) == 1:
            pairs.append((listed[0], on_disk[0]))
            continue
        why = " (several names are alike)" if listed and on_disk else ""
        skipped += [
            Skipped(key, f"listed in a csv file, but not on disk{why}")
            for key in listed
        ]
        skipped += [
            Skipped(key, f"on disk, but in no csv file{why}") for key in on_disk
        ]
    return pairs


def _record(path: pathlib.Path, key: str) -> Record:
    return Record(path, key, _LABELS[key.partition("/")[0]], _group(key))


def _group(key: str) -> str:
    return artist(key.rpartition("/")[2]) or key
