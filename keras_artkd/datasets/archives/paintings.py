"""Base of the TFDS builders of archives of paintings."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow_datasets as tfds

from keras_artkd.datasets.archives.builder import ArchiveBuilder, Parts, Row
from keras_artkd.datasets.records import Duplicates, Index, Record, Skipped
from keras_artkd.datasets.splits import (
    SPLITS,
    join_groups,
    stratified_split,
)
from keras_artkd.types import Path

_PROTOCOLS = {
    "random": "Stratified 70/15/15 split; equal pictures stay together.",
    "artist": "As `random`, and no artist is in two splits.",
    "official": "The archive's own test split; 15 % of its train validate.",
}


@dataclasses.dataclass(eq=False)
class PaintingConfig(tfds.core.BuilderConfig):
    """The split of an archive.

    Attributes:
        protocol: str, a key of `_PROTOCOLS`.
        seed: int, of a random split.
    """

    protocol: str = "random"
    seed: int = 0


def configs(*protocols: str) -> list[PaintingConfig]:
    """Returns the configs of some protocols; the first is the default."""
    return [
        PaintingConfig(name=name, protocol=name, description=_PROTOCOLS[name])
        for name in protocols
    ]


class PaintingBuilder(ArchiveBuilder, skip_registration=True):
    """Base of the builders; a subclass describes its archive.

    A subclass sets `VERSION`, `BUILDER_CONFIGS`, `HOMEPAGE`,
    `MANUAL_DOWNLOAD_INSTRUCTIONS`, `CLASS_NAMES` (`None` if only the archive
    knows them) and `build_index(root, official) -> Index`.
    """

    @staticmethod
    def build_index(root: Path, official: bool) -> Index:
        """Lists the images of the archive extracted at `root`."""
        raise NotImplementedError

    @classmethod
    def config_for(cls, protocol: str, seed: int) -> PaintingConfig:
        """Returns the config of a protocol, a new one if the seed is not 0."""
        config = cls.builder_configs[protocol]
        if seed == 0:
            return config
        return dataclasses.replace(
            config, name=f"{protocol}_seed{seed}", seed=seed
        )

    def _info(self) -> tfds.core.DatasetInfo:
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

    def _is_official(self) -> bool:
        return self.builder_config.protocol == "official"

    def _index(self, root: Path) -> Index:
        return self.build_index(root, self._is_official())

    def _example(self, record: Record, encoded: bytes) -> dict[str, Any]:
        return {
            "image": encoded,
            "label": record.label,
            "artist": record.group,
            "filename": record.key,
        }

    def _split(
        self, rows: list[Row], test_keys: frozenset[str]
    ) -> tuple[Parts, list[Skipped]]:
        if not self._is_official():
            test_keys = frozenset()
        rows, skipped = _without_duplicates(rows, test_keys)
        parts = _positions(rows, test_keys, self.builder_config)
        return {
            name: [rows[i] for i in parts[name]] for name in SPLITS
        }, skipped


def _without_duplicates(
    rows: list[Row], test_keys: frozenset[str]
) -> tuple[list[Row], list[Skipped]]:
    """Removes repeated pictures.

    An official test split comes first: of two equal pictures, that in train is
    removed.

    Returns:
        `(rows, skipped)`.
    """
    duplicates, test_digests = Duplicates(), set()
    kept, skipped = [], []
    for row in sorted(rows, key=lambda row: row.record.key not in test_keys):
        record, digest, *_ = row
        keep, remark = duplicates.check(record.key, record.label, digest)
        if record.key in test_keys:
            test_digests.add(digest)
        elif keep and digest in test_digests:
            keep = False
            remark = Skipped(
                record.key, "same picture as an official test image"
            )
        if remark is not None:
            skipped.append(remark)
        if keep:
            kept.append(row)
    return kept, skipped


def _positions(
    rows: list[Row], test_keys: frozenset[str], config: PaintingConfig
) -> dict[str, Sequence[int]]:
    """Returns dict of split name -> positions in `rows`."""
    if config.protocol == "official":
        return _official(rows, test_keys, config.seed)
    if not rows:
        return dict.fromkeys(SPLITS, ())
    keys = [[row.digest for row in rows]]
    if config.protocol == "artist":
        keys.append([row.record.group for row in rows])
    labels = [row.record.label for row in rows]
    parts = stratified_split(labels, join_groups(*keys), seed=config.seed)
    return {name: parts[name].tolist() for name in SPLITS}


def _official(
    rows: list[Row], test_keys: frozenset[str], seed: int
) -> dict[str, Sequence[int]]:
    """Keeps the archive's test split; train and validation share the rest."""
    is_test = [row.record.key in test_keys for row in rows]
    rest = [i for i, test in enumerate(is_test) if not test]
    test = [i for i, test in enumerate(is_test) if test]
    if not rest:
        return {"train": (), "validation": (), "test": test}
    parts = stratified_split(
        [rows[i].record.label for i in rest],
        join_groups([rows[i].digest for i in rest]),
        (0.85, 0.15, 0.0),
        seed,
    )
    taken = {name: [rest[i] for i in parts[name]] for name in parts}
    return {**taken, "test": test}
