"""Base of the TFDS builders of archives."""

import dataclasses
import json
import logging
import os
import pathlib
import tempfile
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, TypeAlias

import tensorflow_datasets as tfds

from keras_artkd.data.images import UnreadableImage
from keras_artkd.data.threads import map_threads
from keras_artkd.datasets.archives.storage import stored_image
from keras_artkd.datasets.records import Index, Record, Skipped
from keras_artkd.datasets.tfds.builders import set_code_path
from keras_artkd.types import Path


class Row(NamedTuple):
    """A decoded image in the temporary file.

    Attributes:
        record: `Record`.
        digest: str, of its pixels.
        start: int, where its bytes begin in the file.
        length: int, number of its bytes.
    """

    record: Record
    digest: str
    start: int
    length: int


Parts: TypeAlias = dict[str, list[Row]]
"""Split name -> rows."""


class ArchiveBuilder(  # type: ignore[call-arg]  # Of an untyped base.
    tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """Base of the builders of archives that are downloaded by hand.

    A subclass sets `VERSION`, `HOMEPAGE`, `MANUAL_DOWNLOAD_INSTRUCTIONS`,
    `CLASS_NAMES` (`None` if only the archive knows them) and has `_info`,
    `_index`, `_split` and `_example`.

    Each file is decoded once: the small JPEG goes to a temporary file, the
    digest of its pixels to the split. Only then are examples written. Files
    left out are listed in `skipped.json` beside the prepared data.
    """

    HOMEPAGE: str | None = None
    CLASS_NAMES: list[str] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Says where the class is: beside its README and citation."""
        super().__init_subclass__(**kwargs)
        set_code_path(cls)

    def _index(self, root: Path) -> Index:
        """Lists the images of the archive extracted at `root`."""
        raise NotImplementedError

    def _split(
        self, rows: list[Row], test_keys: frozenset[str]
    ) -> tuple[Parts, list[Skipped]]:
        """Chooses the images that train, and those that test.

        Args:
            rows: list of `Row`.
            test_keys: of the `Index`.

        Returns:
            `(parts, skipped)`: dict of split name -> list of rows, and images
            that are left out, or to look at.
        """
        raise NotImplementedError

    def _example(self, record: Record, encoded: bytes) -> dict[str, Any]:
        """Returns the features of one image."""
        raise NotImplementedError

    def _split_generators(
        self, dl_manager: Any
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        root = pathlib.Path(dl_manager.manual_dir)
        index = self._index(root)
        self.info.features["label"].names = list(index.class_names)
        # Closed, and thereby deleted, after the last split has been written.
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

    def _generate_examples(
        self, spool: IO[bytes], rows: list[Row]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for record, _, start, length in rows:
            spool.seek(start)
            yield record.key, self._example(record, spool.read(length))

    def _list_skipped(self, skipped: list[Skipped]) -> None:
        path = pathlib.Path(os.fspath(self.data_path), "skipped.json")
        items = [dataclasses.asdict(item) for item in skipped]
        path.write_text(json.dumps(items, indent=1), encoding="utf-8")
        if skipped:
            logging.getLogger(__name__).warning(
                "%s: %d files left out or to look at, listed in skipped.json "
                "beside the prepared data.",
                self.name,
                len(skipped),
            )


def _decode(
    records: list[Record], spool: IO[bytes]
) -> tuple[list[Row], list[Skipped]]:
    """Decodes all records into `spool`.

    Returns:
        `(rows, skipped)`.
    """

    def store(record: Record) -> tuple[Record, bytes | None, str]:
        """The record with bytes and digest, or with the reason."""
        try:
            assert not isinstance(record.path, bytes)
            return record, *stored_image(record.path)
        except UnreadableImage as error:
            return record, None, str(error)

    rows, skipped = [], []
    for record, stored, digest in map_threads(store, records):
        if stored is None:
            skipped.append(Skipped(record.key, digest))
            continue
        rows.append(Row(record, digest, spool.tell(), len(stored)))
        spool.write(stored)
    return rows, skipped
