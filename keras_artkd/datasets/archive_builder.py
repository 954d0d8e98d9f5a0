"""What the TFDS builders of archives share: all but the archive."""

import dataclasses
import json
import logging
import os
import pathlib
import tempfile

import tensorflow_datasets as tfds

from keras_artkd.datasets.records import Skipped, map_threads
from keras_artkd.datasets.storage import stored_image
from keras_artkd.datasets.tfds_builders import set_code_path
from keras_artkd.images import UnreadableImage


class ArchiveBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of the builders of what is downloaded by hand.

    A subclass sets `VERSION`, `HOMEPAGE`, `MANUAL_DOWNLOAD_INSTRUCTIONS`,
    `CLASS_NAMES` (`None` if only the archive knows them) and has `_info`,
    `_index`, `_split` and `_example`.

    Each file is decoded once: the small JPEG goes to a temporary file, the
    digest of its pixels to the split, and only then are examples written.
    Files left out are listed in `skipped.json` beside the prepared data.
    """

    HOMEPAGE = None
    CLASS_NAMES = None

    def __init_subclass__(cls, **kwargs):
        """Says where the class lies, its README and citation beside it."""
        super().__init_subclass__(**kwargs)
        set_code_path(cls)

    def _index(self, root):
        """What the archive extracted at `root` holds, as `Index`."""
        raise NotImplementedError

    def _split(self, rows, test_keys):
        """Which images train, which test.

        Args:
            rows: list of `(record, digest, start, length)`.
            test_keys: of the `Index`.

        Returns:
            `(parts, skipped)`: dict split name -> list of rows, and what is
            left out or worth a look.
        """
        raise NotImplementedError

    def _example(self, record, encoded):
        """The features of one image."""
        raise NotImplementedError

    def _split_generators(self, dl_manager):
        root = pathlib.Path(dl_manager.manual_dir)
        index = self._index(root)
        self.info.features["label"].names = list(index.class_names)
        # Closed, and thereby deleted, when the last split has been written.
        spool = tempfile.TemporaryFile()
        rows, unreadable = _decode(index.records, spool)
        parts, more = self._split(rows, index.test_keys)
        skipped = index.skipped + unreadable + more
        self._list_skipped(skipped)
        empty = [name for name in parts if not len(parts[name])]
        if empty:
            reason = skipped[0].reason if skipped else "none"
            raise ValueError(
                "Every split must hold at least one image. Received: "
                f"{', '.join(empty)} of {self.name!r} empty, {len(rows)} "
                f"images read from {str(root)!r}, {len(skipped)} files left "
                f"out (first reason: {reason}). Fix: check that the whole "
                "archive is there."
            )
        return {
            name: self._generate_examples(spool, parts[name]) for name in parts
        }

    def _generate_examples(self, spool, rows):
        for record, _, start, length in rows:
            spool.seek(start)
            yield record.key, self._example(record, spool.read(length))

    def _list_skipped(self, skipped):
        path = pathlib.Path(os.fspath(self.data_path), "skipped.json")
        items = [dataclasses.asdict(item) for item in skipped]
        path.write_text(json.dumps(items, indent=1), encoding="utf-8")
        if skipped:
            logging.getLogger(__name__).warning(
                "%s: %d files left out or worth a look, listed in "
                "skipped.json beside the prepared data.",
                self.name,
                len(skipped),
            )


def _decode(records, spool):
    """Decodes all records into `spool`.

    Returns:
        `(rows, skipped)`, the rows as `ArchiveBuilder._split` takes them.
    """

    def store(record):
        try:
            return record, *stored_image(record.path)
        except UnreadableImage as error:
            return record, None, str(error)

    rows, skipped = [], []
    for record, stored, digest in map_threads(store, records):
        if stored is None:
            skipped.append(Skipped(record.key, digest))
            continue
        rows.append((record, digest, spool.tell(), len(stored)))
        spool.write(stored)
    return rows, skipped
