"""Base of the TFDS builders of archives of photographs."""

from typing import Any

import tensorflow_datasets as tfds

from keras_artkd.datasets.archives.builder import ArchiveBuilder, Parts, Row
from keras_artkd.datasets.records import Index, Record, Skipped
from keras_artkd.types import Path


class PhotographBuilder(ArchiveBuilder, skip_registration=True):
    """Base of the builders of archives with their own train and test splits.

    A subclass sets `VERSION`, `HOMEPAGE`, `MANUAL_DOWNLOAD_INSTRUCTIONS` and
    `build_index(root) -> Index`.

    The splits are `train` and `test`. Equal pictures stay;
    `keras_artkd.datasets.load` removes leaks among them, as with CIFAR.
    """

    @staticmethod
    def build_index(root: Path) -> Index:
        """Lists the images of the archive extracted at `root`."""
        raise NotImplementedError

    def _info(self) -> tfds.core.DatasetInfo:
        # The names are those of TFDS's own sets of photographs.
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(None, None, 3), encoding_format="jpeg"
                    ),
                    "image/filename": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=self.CLASS_NAMES),
                }
            ),
            supervised_keys=("image", "label"),
            homepage=self.HOMEPAGE,
        )

    def _index(self, root: Path) -> Index:
        return self.build_index(root)

    def _example(self, record: Record, encoded: bytes) -> dict[str, Any]:
        return {
            "image": encoded,
            "image/filename": record.key,
            "label": record.label,
        }

    def _split(
        self, rows: list[Row], test_keys: frozenset[str]
    ) -> tuple[Parts, list[Skipped]]:
        parts: Parts = {"train": [], "test": []}
        for row in rows:
            name = "test" if row.record.key in test_keys else "train"
            parts[name].append(row)
        return parts, []
