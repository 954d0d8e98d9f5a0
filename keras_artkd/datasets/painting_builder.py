"""What the TFDS builders of painting archives share: all but the archive."""

import dataclasses

import tensorflow_datasets as tfds

from keras_artkd.datasets.archive_builder import ArchiveBuilder
from keras_artkd.datasets.records import Duplicates, Skipped
from keras_artkd.datasets.splits import (
    SPLITS,
    join_groups,
    stratified_split,
)

_PROTOCOLS = {
    "random": "Stratified 70/15/15 split; equal pictures stay together.",
    "artist": "As `random`, and no artist is in two splits.",
    "official": "The archive's own test split; 15 % of its train validate.",
}


@dataclasses.dataclass(eq=False)
class PaintingConfig(tfds.core.BuilderConfig):
    """How an archive is split: by which protocol, with which seed."""

    protocol: str = "random"
    seed: int = 0


def configs(*protocols):
    """The builder configs of some protocols, the first being the default."""
    return [
        PaintingConfig(name=name, protocol=name, description=_PROTOCOLS[name])
        for name in protocols
    ]


class PaintingBuilder(ArchiveBuilder, skip_registration=True):
    """Base of the builders: subclasses say what is in their archive.

    A subclass sets `VERSION`, `BUILDER_CONFIGS`, `HOMEPAGE`,
    `MANUAL_DOWNLOAD_INSTRUCTIONS`, `CLASS_NAMES` (`None` if only the archive
    knows them) and `build_index(root, official) -> Index`.
    """

    @staticmethod
    def build_index(root, official):
        """What the archive extracted at `root` holds, as `Index`."""
        raise NotImplementedError

    @classmethod
    def config_for(cls, protocol, seed):
        """The config of a protocol, a new one where the seed is not 0."""
        config = cls.builder_configs[protocol]
        if seed == 0:
            return config
        return dataclasses.replace(
            config, name=f"{protocol}_seed{seed}", seed=seed
        )

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(None, None, 3), encoding_format="jpeg"
                    ),
                    "label": tfds.features.ClassLabel(names=self.CLASS_NAMES),
                    "artist": tfds.features.Text(),
                    "filename": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
            homepage=self.HOMEPAGE,
        )

    def _is_official(self):
        return self.builder_config.protocol == "official"

    def _index(self, root):
        return self.build_index(root, self._is_official())

    def _example(self, record, encoded):
        return {
            "image": encoded,
            "label": record.label,
            "artist": record.group,
            "filename": record.key,
        }

    def _split(self, rows, test_keys):
        if not self._is_official():
            test_keys = frozenset()
        rows, skipped = _without_duplicates(rows, test_keys)
        parts = _positions(rows, test_keys, self.builder_config)
        return {
            name: [rows[i] for i in parts[name]] for name in SPLITS
        }, skipped


def _without_duplicates(rows, test_keys):
    """The rows to keep.

    Where there is an official test split, it comes first, so that of two
    equal pictures it is the one in train that goes.

    Returns:
        `(rows, skipped)`.
    """
    duplicates, test_digests = Duplicates(), set()
    kept, skipped = [], []
    for row in sorted(rows, key=lambda row: row[0].key not in test_keys):
        record, digest, *_ = row
        keep, remark = duplicates.check(record.key, record.label, digest)
        if record.key in test_keys:
            test_digests.add(digest)
        elif keep and digest in test_digests:
            keep, remark = (
                False,
                Skipped(record.key, "same picture as an official test image"),
            )
        if remark is not None:
            skipped.append(remark)
        if keep:
            kept.append(row)
    return kept, skipped


def _positions(rows, test_keys, config):
    """Dict of split name -> positions in `rows`."""
    labels = [record.label for record, *_ in rows]
    digests = [digest for _, digest, *_ in rows]
    if config.protocol == "official":
        return _official(rows, test_keys, labels, digests, config.seed)
    keys = [digests]
    if config.protocol == "artist":
        keys.append([record.group for record, *_ in rows])
    if not rows:
        return dict.fromkeys(SPLITS, ())
    return stratified_split(labels, join_groups(*keys), seed=config.seed)


def _official(rows, test_keys, labels, digests, seed):
    """The archive's test split; train and validation share the rest."""
    rest, test = [], []
    for i, (record, *_) in enumerate(rows):
        (test if record.key in test_keys else rest).append(i)
    if not rest:
        return {"train": (), "validation": (), "test": test}
    parts = stratified_split(
        [labels[i] for i in rest],
        join_groups([digests[i] for i in rest]),
        (0.85, 0.15, 0.0),
        seed,
    )
    taken = {name: [rest[i] for i in parts[name]] for name in parts}
    return {**taken, "test": test}
