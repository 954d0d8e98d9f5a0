"""Loader of any labelled images that TFDS knows or has prepared."""

import re
from collections.abc import Sequence

import numpy as np

from keras_artkd.datasets.examples import (
    Loaded,
    Parts,
    drop_leaks,
    split_examples,
    split_official,
)
from keras_artkd.datasets.records import Skipped
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.splits import SPLITS
from keras_artkd.datasets.tfds.builders import (
    Builder,
    check_directory,
    prepare_builder,
)
from keras_artkd.datasets.tfds.reading import Features, read_rows, read_splits

PREFIX = "tfds:"

# Name, configuration, version.
_NAME = re.compile(r"\w+(/[\w.+-]+)?(:[\w.*]+)?")


def check_tfds(request: LoadRequest) -> None:
    """Checks the form of the name, and the TFDS directory."""
    name = request.name.removeprefix(PREFIX)
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"`{PREFIX}NAME` must name a data set as TFDS does. Received: "
            f"name={request.name!r}. Fix: such as {PREFIX}beans or "
            f"{PREFIX}cifar10_corrupted/fog_1:1.*.*."
        )
    if request.data_dir is not None:
        check_directory(request.data_dir, name)


def load_tfds(
    request: LoadRequest,
    *,
    validation_fraction: float = 0.15,
    label: str | None = None,
) -> Loaded:
    """Loads any TFDS data set with one image and one class label an example.

    The set's own `train`, `validation` and `test` splits are used, as far as
    they are there and have labels. Other splits are ignored. What is missing
    is made so:

    - No validation split: a stratified `validation_fraction` of train.
    - No test split, but one for validation: that is the test, as for ImageNet.
      A `validation_fraction` of train validates, so that nothing is chosen by
      the images of the test.
    - Neither: `validation_fraction` of train validates, as much again tests,
      both stratified. Equal pictures stay together.

    Of pictures that are in several of the set's own splits, train and
    validation lose theirs; the test split stays whole.

    Args:
        request: `LoadRequest` of the name `tfds:NAME`, `NAME` as TFDS writes
            it, with configuration and version if necessary.
        validation_fraction: float in (0, 1), or in (0, 0.5) where it also
            gives the test split.
        label: str, the feature with the labels. The default is the one that
            TFDS calls supervised, otherwise the only one.

    Returns:
        `Loaded`. Keys are TFDS's own: `beans-train.tfrecord-00000-of-00001__7`.

    Raises:
        ValueError: if the data set does not classify images, or has no
            training split.
    """
    name = request.name.removeprefix(PREFIX)
    builder = prepare_builder(name, request.data_dir)
    features = find_features(builder, label)
    splits = _labelled_splits(builder, features.label)
    parts, skipped = read_splits(builder, features, splits, request)
    for split, part in parts.items():
        if (part.store.labels < 0).any():
            raise ValueError(
                "All examples of a split must have a label, or none. Received: "
                f"{name}, whose {split} split has both. Fix: another data set."
            )
    parts, leaks = _completed(parts, validation_fraction, request.split_seed)
    names = builder.info.features[features.label].names
    return Loaded(names, parts, skipped + leaks)


def find_features(builder: Builder, label: str | None = None) -> Features:
    """Finds the image and the class label of a data set.

    Args:
        builder: `tfds.core.DatasetBuilder`.
        label: str, the feature with the labels, if known.

    Returns:
        `Features`.

    Raises:
        ValueError: if there is not one of each.
    """
    import tensorflow_datasets as tfds

    features = builder.info.features
    if not isinstance(features, tfds.features.FeaturesDict):
        features = {}
    labels = [
        name
        for name, feature in features.items()
        if isinstance(feature, tfds.features.ClassLabel)
    ]
    images = [
        name
        for name, feature in features.items()
        # Its subclass is for masks.
        if type(feature) is tfds.features.Image
        and np.dtype(feature.np_dtype) == np.uint8
    ]
    supervised = builder.info.supervised_keys or ()
    image = _choose(images, supervised)
    found = _choose(labels, supervised if label is None else (label,))
    if image is None or found is None or label not in (None, found):
        raise ValueError(
            "A data set must have an image and a class label in each example. "
            f"Received: {builder.name}, with the images {images} and the class "
            f"labels {labels}"
            f"{'' if label is None else f', and label={label!r}'}. Fix: "
            "another data set, or the option `label` where it has several."
        )
    return Features(image=image, label=found)


def _choose(names: Sequence[str], preferred: Sequence[object]) -> str | None:
    """Returns the preferred name or the only one, otherwise None."""
    chosen = [name for name in names if name in preferred] or names
    return chosen[0] if len(chosen) == 1 else None


def _labelled_splits(builder: Builder, label: str) -> list[str]:
    """Lists the standard splits that a data set has with labels.

    TFDS writes -1 for labels that are kept secret, as of a competition's test.
    """
    there = builder.info.splits
    splits = [
        split
        for split in SPLITS
        if split in there
        and there[split].num_examples
        and next(read_rows(builder, f"{split}[:1]", label))[label] >= 0
    ]
    if "train" not in splits:
        raise ValueError(
            "A data set must have a train split with labels. Received: "
            f"{builder.name}, with the splits {', '.join(there) or 'none'}. "
            "Fix: another data set."
        )
    return splits


def _completed(
    parts: Parts, validation_fraction: float, seed: int
) -> tuple[Parts, list[Skipped]]:
    """Makes the splits that are missing, see `load_tfds`."""
    if "test" not in parts and "validation" in parts:
        parts = {"train": parts["train"], "test": parts["validation"]}
    if "validation" in parts:
        return drop_leaks(parts)
    if "test" in parts:
        return split_official(
            parts["train"], parts["test"], validation_fraction, None, seed
        )
    if not validation_fraction < 0.5:
        raise ValueError(
            "`validation_fraction` must be less than 0.5 where as much again "
            "tests. Received: validation_fraction="
            f"{validation_fraction} of a data set with a train split alone."
        )
    fractions = (
        1 - 2 * validation_fraction,
        validation_fraction,
        validation_fraction,
    )
    return split_examples(parts["train"], False, seed, fractions), []
