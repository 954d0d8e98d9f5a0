"""What the doctor remembers of an image file, read as the loader reads it."""

import dataclasses
import os

import numpy as np

from keras_artkd.datasets.exclusions import file_name
from keras_artkd.datasets.records import content_digest, map_threads
from keras_artkd.doctor.fingerprints import thumbnail
from keras_artkd.images import UnreadableImage, opened, read_image


@dataclasses.dataclass(frozen=True)
class Picture:
    """One image file that can be read.

    Attributes:
        name: str, exact posix path below the data set's root.
        path: path to the file.
        class_name: str.
        width: int, pixels, as stored.
        height: int, pixels, as stored.
        size: int, bytes.
        digest: str, of the pixels that training sees.
        thumbnail: uint8 `(32, 32)`, grey.
    """

    name: str
    path: os.PathLike
    class_name: str
    width: int
    height: int
    size: int
    digest: str
    thumbnail: np.ndarray

    @property
    def sides(self):
        """Width and height."""
        return self.width, self.height

    def summary(self):
        """What JSON says of it."""
        return {
            "file": self.name,
            "class": self.class_name,
            "width": self.width,
            "height": self.height,
            "bytes": self.size,
        }


def read_pictures(records, class_names, root, short_side, progress=None):
    """Reads every file once, in threads.

    Args:
        records: list of `Record`.
        class_names: list of str that the records' labels count through.
        root: directory that names are relative to.
        short_side: int, pixels, as of `keras_artkd.datasets.load`.
        progress: called with how many files are read and how many there are.

    Returns:
        `(pictures, unreadable)`: list of `Picture` in order, and dict of file
        name -> reason.
    """

    def read(record):
        try:
            with opened(record.path) as image:
                width, height = image.size
            pixels = read_image(record.path, short_side)
            size = os.path.getsize(record.path)
        except (UnreadableImage, OSError) as error:
            return record, str(error)
        return record, Picture(
            name=file_name(record.path, root),
            path=record.path,
            class_name=class_names[record.label],
            width=width,
            height=height,
            size=size,
            digest=content_digest(pixels),
            thumbnail=thumbnail(pixels),
        )

    pictures, unreadable = [], {}
    for done, (record, result) in enumerate(map_threads(read, records), 1):
        if isinstance(result, Picture):
            pictures.append(result)
        else:
            unreadable[file_name(record.path, root)] = result
        if progress is not None:
            progress(done, len(records))
    return pictures, unreadable
