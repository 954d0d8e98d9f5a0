"""What the TFDS builders of painting archives share: all but the archive."""

import dataclasses
import json
import logging
import os
import pathlib
import tempfile

import tensorflow_datasets as tfds

from keras_artkd.datasets.records import (
    Duplicates,
    Skipped,
    map_threads,
)
from keras_artkd.datasets.splits import (
    SPLITS,
    join_groups,
    stratified_split,
)
from keras_artkd.datasets.storage import stored_image
from keras_artkd.datasets.tfds_builders import set_code_path
from keras_artkd.images import UnreadableImage

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


class PaintingBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of the builders: subclasses say what is in their archive.

    A subclass sets `VERSION`, `BUILDER_CONFIGS`, `HOMEPAGE`,
    `MANUAL_DOWNLOAD_INSTRUCTIONS`, `CLASS_NAMES` (`None` if only the archive
    knows them) and `build_index(root, official) -> Index`.

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

    def _split_generators(self, dl_manager):
        root = pathlib.Path(dl_manager.manual_dir)
        official = self.builder_config.protocol == "official"
        index = self.build_index(root, official)
        self.info.features["label"].names = list(index.class_names)
        # Closed, and thereby deleted, when the last split has been written.
        spool = tempfile.TemporaryFile()
        test_keys = index.test_keys if official else frozenset()
        rows, skipped = _decode(index.records, test_keys, spool)
        skipped = index.skipped + skipped
        self._list_skipped(skipped)
        parts = _split(rows, test_keys, self.builder_config)
        empty = [name for name in SPLITS if not len(parts[name])]
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
            name: self._generate_examples(spool, [rows[i] for i in parts[name]])
            for name in SPLITS
        }

    def _generate_examples(self, spool, rows):
        for record, _, start, length in rows:
            spool.seek(start)
            yield (
                record.key,
                {
                    "image": spool.read(length),
                    "label": record.label,
                    "artist": record.group,
                    "filename": record.key,
                },
            )

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


def _decode(records, test_keys, spool):
    """Decodes all records into `spool`.

    Where there is an official test split, it comes first, so that of two
    equal pictures it is the one in train that goes.

    Returns:
        `(rows, skipped)`; a row is `(record, digest, start, length)`.
    """

    def store(record):
        try:
            return record, *stored_image(record.path)
        except UnreadableImage as error:
            return record, None, str(error)

    records = sorted(records, key=lambda r: r.key not in test_keys)
    duplicates, test_digests = Duplicates(), set()
    rows, skipped = [], []
    for record, stored, digest in map_threads(store, records):
        if stored is None:
            skipped.append(Skipped(record.key, digest))
            continue
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
            rows.append((record, digest, spool.tell(), len(stored)))
            spool.write(stored)
    return rows, skipped


def _split(rows, test_keys, config):
    """Dict of split name -> positions in `rows`."""
    labels = [record.label for record, *_ in rows]
    digests = [digest for _, digest, *_ in rows]
    if config.protocol == "official":
        return _split_official(rows, test_keys, labels, digests, config.seed)
    keys = [digests]
    if config.protocol == "artist":
        keys.append([record.group for record, *_ in rows])
    if not rows:
        return dict.fromkeys(SPLITS, ())
    return stratified_split(labels, join_groups(*keys), seed=config.seed)


def _split_official(rows, test_keys, labels, digests, seed):
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
