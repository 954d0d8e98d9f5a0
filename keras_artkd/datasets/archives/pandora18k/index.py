"""Index of the Pandora 18k archive, by its folders."""

import pathlib
import re

from keras_artkd.datasets.files import (
    list_files,
    missing_message,
    relative_key,
    why_no_image,
)
from keras_artkd.datasets.records import Index, Record, Skipped
from keras_artkd.types import Path

CLASS_NAMES = (
    "01_Byzantin_Iconography 02_Early_Renaissance 03_Northern_Renaissance "
    "04_High_Renaissance 05_Baroque 06_Rococo 07_Romanticism 08_Realism "
    "09_Impressionism 10_Post_Impressionism 11_Expressionism 12_Symbolism "
    "13_Fauvism 14_Cubism 15_Surrealism 16_AbstractArt 17_NaiveArt 18_PopArt"
).split()
# Its artists are one level deeper, below a movement.
_WITH_MOVEMENTS = "16_AbstractArt"

INSTRUCTIONS = """\
Get http://imag.pub.ro/pandora/Download/Pandora_18k.zip (1.4 GB) and extract it
into the manual directory, which then holds
`Pandora_18k/01_Byzantin_Iconography/<Artist>/<title>.jpg` and so on to
`Pandora_18k/18_PopArt`.
"""


def build_index(root: Path, official: bool = False) -> Index:
    """Lists the images of the 18 style folders.

    Args:
        root: directory that holds `Pandora_18k/`, or that folder itself.
        official: unused: the archive has no test split of its own.

    Returns:
        `Index`; keys are paths below the archive's folder, because the same
        file name occurs under two artists of a style.
    """
    root = pathlib.Path(root)
    archive = _archive_folder(root)
    records: list[Record] = []
    skipped: list[Skipped] = []
    for label, style in enumerate(CLASS_NAMES):
        if not (archive / style).is_dir():
            skipped.append(Skipped(style, "style folder not on disk"))
            continue
        for path in list_files(archive / style):
            key = relative_key(path, archive)
            if reason := why_no_image(path):
                skipped.append(Skipped(key, reason))
            else:
                records.append(Record(path, key, label, _group(key)))
    return Index(list(CLASS_NAMES), records, skipped)


def _archive_folder(root: pathlib.Path) -> pathlib.Path:
    for folder in (root / "Pandora_18k", root / "Pandora18k", root):
        if any((folder / style).is_dir() for style in CLASS_NAMES):
            return folder
    raise ValueError(
        missing_message(
            "The folder `Pandora_18k` with style folders such as `05_Baroque`",
            root,
            INSTRUCTIONS,
        )
    )


def _group(key: str) -> str:
    """Returns the artist in one spelling, or the key if no folder names one.

    The archive writes both `Surname_Name` and `name-surname`. Therefore only
    the set of the words identifies an artist of two styles.
    """
    style, *folders, _ = key.split("/")
    if len(folders) <= (style == _WITH_MOVEMENTS):
        return key
    words = re.split(r"[\W_]+", folders[-1].casefold())
    return " ".join(sorted(word for word in words if word)) or key
