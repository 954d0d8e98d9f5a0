"""Photographs that TFDS downloads: birds and dogs.

`cub200` is CUB-200-2011: 5,994 images to train on and 5,794 to test with, of
200 species of birds. `stanford_dogs` has 12,000 and 8,580 of 120 breeds. Both
are tested on generated archives in the official layouts, not on the real ones.
Nothing is cropped to the boxes that come with them. Decoded, at 252 pixels,
birds take about 3 GB of disk and dogs 6 GB.
"""

import pathlib
import re

from keras_artkd.datasets.examples import Loaded, Parts, split_official
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.tfds.builders import (
    Builder,
    check_directory,
    prepare_builder,
)
from keras_artkd.datasets.tfds.reading import Features, read_splits

# Names here -> names in TFDS.
_DOWNLOADED = {
    "cub200": "caltech_birds2011",
    "stanford_dogs": "stanford_dogs",
}
# Before the names of folders: `001.` of a bird, `n02085620-` of a dog.
_NUMBER = re.compile(r"\d+\.|n\d+-")


def check_downloaded(request: LoadRequest) -> None:
    """Checks the TFDS directory."""
    if request.data_dir is not None:
        check_directory(request.data_dir, _DOWNLOADED[request.name])


def load_downloaded(
    request: LoadRequest, *, validation_fraction: float = 0.1
) -> Loaded:
    """Loads `cub200` or `stanford_dogs`; their folders name the classes."""
    builder = prepare_builder(_DOWNLOADED[request.name], request.data_dir)
    features = Features(key="image/filename")
    parts, skipped = read_splits(builder, features, ("train", "test"), request)
    names = _folder_names(builder, parts)
    parts, leaks = split_official(
        parts["train"],
        parts["test"],
        validation_fraction,
        None,
        request.split_seed,
    )
    return Loaded(names, parts, skipped + leaks)


def _folder_names(builder: Builder, parts: Parts) -> list[str]:
    """Names classes; TFDS has numbers for birds, small letters for dogs."""
    names = list(builder.info.features["label"].names)
    for part in parts.values():
        keys = part.store.keys.tolist()
        for key, label in zip(keys, part.store.labels, strict=True):
            folder = pathlib.PurePosixPath(key).parent.name
            names[label] = _NUMBER.sub("", folder, count=1)
    return names
