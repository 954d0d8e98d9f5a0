"""The pictures of a run, as a browser shows them."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_artkd import datasets
from keras_artkd.data.images import UnreadableImage
from keras_artkd.datasets.files import list_files, relative_key
from keras_artkd.datasets.folder import find_records
from keras_artkd.datasets.unlabelled import PREFIX
from keras_artkd.report.pictures import jpeg, thumbnail

if TYPE_CHECKING:
    from keras_artkd.data.store import ImageStore

# Longest, pixels: as large as a screen shows it.
_SIDE = 1200


class Pictures:
    """Pictures by their keys in a run's data.

    They are read from their files. Of a data set that is none of files, such
    as arrays, they are as large as the training loaded them.

    Args:
        load: dict, how the run's images are loaded.
        keys: list of str, of the pictures.

    Raises:
        ValueError: if not one of the pictures is there.
        OSError: if a folder cannot be read.
    """

    def __init__(self, load: Mapping[str, Any], keys: Sequence[str]) -> None:
        self._files = _find_files(load)
        self._store: ImageStore | None = None
        self._rows: dict[str, int] = {}
        missing = [key for key in keys if key not in self._files]
        if missing and load["name"] != "folder":
            self._store = datasets.load(**load).unlabelled
            if self._store is not None:
                stored = self._store.keys.tolist()
                self._rows = {key: row for row, key in enumerate(stored)}
        if not any(key in self._files or key in self._rows for key in keys):
            place = load.get("unlabelled_dir") or load.get("data_dir")
            raise ValueError(
                "The run's images without labels must be where they were. "
                f"Received: none of {len(keys)} in {place}. Fix: move them "
                "back there."
            )

    def read(self, key: str) -> bytes:
        """A picture as JPEG.

        Raises:
            UnreadableImage: if its file is gone or damaged.
        """
        if key in self._rows and self._store is not None:
            return jpeg(self._store.image(self._rows[key]))
        if key not in self._files:
            raise UnreadableImage("no such file")
        return jpeg(thumbnail(self._files[key], _SIDE))


def _find_files(load: Mapping[str, Any]) -> dict[str, pathlib.Path]:
    """The files of a run's folders by their keys; no key is a path here."""
    files: dict[str, pathlib.Path] = {}
    labelled, others = load.get("data_dir"), load.get("unlabelled_dir")
    if load["name"] == "folder" and labelled and load.get("unlabelled"):
        files |= {
            record.key: pathlib.Path(os.fspath(record.path))
            for record in find_records(labelled)[1]
            if not isinstance(record.path, bytes)
        }
    if others:
        files |= {
            PREFIX + relative_key(path, others): path
            for path in list_files(others)
        }
    return files
