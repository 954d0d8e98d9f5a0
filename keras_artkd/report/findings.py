"""The HTML page of what is wrong in a folder of images."""

import itertools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_artkd.data.images import UnreadableImage
from keras_artkd.data.threads import map_threads
from keras_artkd.datasets.exclusions import quoted
from keras_artkd.files import write_text
from keras_artkd.report.page import environment
from keras_artkd.report.pictures import data_uri, thumbnail
from keras_artkd.types import Path

# More would make a page that no browser opens quickly: 15 kB a picture.
_MOST_ITEMS = 100  # Of a section of findings.
_MOST_NOTES = 20
_MOST_FILES = 12  # Of an item.
_SIDE = 240  # Longest of a thumbnail, pixels.


def write_findings(
    path: Path,
    folder: Path,
    summary: str,
    sections: Sequence[Mapping[str, Any]],
) -> None:
    """Writes a page of findings, with the pictures inside, atomically.

    Args:
        path: the HTML file.
        folder: that the names of files are relative to.
        summary: what there is in all, in one line.
        sections: dicts of headline, is_note and items, as those of
            `keras_artkd.doctor.text.sections`.

    Raises:
        ValueError: if `path` is a folder.
        OSError: if it cannot be written.
    """
    templates = environment()
    templates.filters["exact"] = quoted
    page = templates.get_template("findings.html").render(
        folder=quoted(str(folder)),
        summary=summary,
        found=any(not section["is_note"] for section in sections),
        sections=[
            _section(section, pathlib.Path(folder)) for section in sections
        ],
    )
    write_text(path, page)


def _section(
    section: Mapping[str, Any], folder: pathlib.Path
) -> dict[str, Any]:
    """A section with its first items and their pictures."""
    most = _MOST_NOTES if section["is_note"] else _MOST_ITEMS
    items = section["items"][:most]
    shown = [item["files"][:_MOST_FILES] for item in items]
    names = [file["file"] for files in shown for file in files]
    pictures = map_threads(_thumbnail, [folder / name for name in names])
    return {
        **section,
        "count": len(section["items"]),
        "more": len(section["items"]) - len(items),
        "items": [
            {
                "words": item["words"],
                "more": len(item["files"]) - len(files),
                "files": list(_with_pictures(files, pictures)),
            }
            for item, files in zip(items, shown, strict=True)
        ],
    }


def _with_pictures(
    files: Sequence[Mapping[str, Any]], pictures: Iterator[str | None]
) -> Iterator[dict[str, Any]]:
    mine = itertools.islice(pictures, len(files))
    for file, uri in zip(files, mine, strict=True):
        known = {"class": None, "width": None, "bytes": None, "mirrored": False}
        yield {
            **known,
            **file,
            # Exactly as in a list of exclusions, and printable: a mark of
            # direction in a name is written as its number.
            "name": quoted(file["file"]),
            "uri": uri,
        }


def _thumbnail(path: pathlib.Path) -> str | None:
    """The picture of a file as a data URI; None if it shows none."""
    try:
        return data_uri(thumbnail(path, _SIDE))
    except (UnreadableImage, OSError):
        return None
