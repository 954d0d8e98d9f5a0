"""Image files, read as the loader reads them."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

from keras_artkd.data.images import UnreadableImage, opened, read_image
from keras_artkd.data.threads import map_threads
from keras_artkd.datasets.exclusions import file_name
from keras_artkd.datasets.records import Record, content_digest
from keras_artkd.doctor.colours import colours
from keras_artkd.doctor.fingerprints import thumbnail
from keras_artkd.types import Array, Path


@dataclasses.dataclass(frozen=True)
class Picture:
    """One readable image file.

    Attributes:
        name: exact posix path below the data set's root.
        path: path to the file.
        class_name: the name of its class.
        width: pixels, as stored.
        height: pixels, as stored.
        size: bytes.
        digest: of the pixels that training sees.
        thumbnail: uint8 `(32, 32)`, grey.
        colours: uint8 `(4, 4, 3)`.
    """

    name: str
    path: Path
    class_name: str
    width: int
    height: int
    size: int
    digest: str
    thumbnail: Array
    colours: Array

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    def summary(self) -> dict[str, Any]:
        """Its facts as JSON values."""
        return {
            "file": self.name,
            "class": self.class_name,
            "width": self.width,
            "height": self.height,
            "bytes": self.size,
        }


def read_pictures(
    records: Sequence[Record],
    class_names: Sequence[str],
    root: Path,
    short_side: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Picture], dict[str, str]]:
    """Reads every file once, in threads.

    Args:
        records: files, not encoded bytes.
        class_names: the records' labels count through them.
        root: directory that names are relative to.
        short_side: pixels, as of `keras_artkd.datasets.load`.
        progress: called with the number of files that are read, and of all.

    Returns:
        The pictures in the order of the records, and the unreadable files:
        file name -> reason.
    """

    def read(record: Record) -> tuple[str, Picture | str]:
        assert not isinstance(record.path, bytes)
        name = file_name(record.path, root)
        try:
            with opened(record.path) as image:
                width, height = image.size
            pixels = read_image(record.path, short_side)
            size = os.path.getsize(record.path)
        except (UnreadableImage, OSError) as error:
            return name, str(error)
        return name, Picture(
            name=name,
            path=record.path,
            class_name=class_names[record.label],
            width=width,
            height=height,
            size=size,
            digest=content_digest(pixels),
            thumbnail=thumbnail(pixels),
            colours=colours(pixels),
        )

    pictures: list[Picture] = []
    unreadable: dict[str, str] = {}
    for done, (name, result) in enumerate(map_threads(read, records), 1):
        if isinstance(result, Picture):
            pictures.append(result)
        else:
            unreadable[name] = result
        if progress is not None:
            progress(done, len(records))
    return pictures, unreadable
