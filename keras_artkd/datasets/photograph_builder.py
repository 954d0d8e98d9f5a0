"""What the TFDS builders of photographs share: all but the archive."""

import tensorflow_datasets as tfds

from keras_artkd.datasets.archive_builder import ArchiveBuilder


class PhotographBuilder(ArchiveBuilder, skip_registration=True):
    """Base of the builders of archives that say what trains and what tests.

    A subclass sets `VERSION`, `HOMEPAGE`, `MANUAL_DOWNLOAD_INSTRUCTIONS` and
    `build_index(root) -> Index`.

    Its splits are those of the archive, `train` and `test`. Equal pictures
    stay: `keras_artkd.datasets.load` sees to them, as it does with CIFAR.
    """

    @staticmethod
    def build_index(root):
        """What the archive extracted at `root` holds, as `Index`."""
        raise NotImplementedError

    def _info(self):
        # Named as TFDS's own sets of photographs name them.
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

    def _index(self, root):
        return self.build_index(root)

    def _example(self, record, encoded):
        return {
            "image": encoded,
            "image/filename": record.key,
            "label": record.label,
        }

    def _split(self, rows, test_keys):
        parts = {"train": [], "test": []}
        for row in rows:
            parts["test" if row[0].key in test_keys else "train"].append(row)
        return parts, []
