"""Paintings that are made on the spot: the loader of `atelier`."""

import numpy as np

from keras_artkd.data.store import ImageStore
from keras_artkd.datasets.examples import Examples, Loaded, limit_parts
from keras_artkd.datasets.records import picture_digest
from keras_artkd.datasets.request import LoadRequest


def check_atelier(request: LoadRequest) -> None:
    """Requires a size to paint at."""
    if request.short_side is None:
        raise ValueError(
            "`atelier` paints at the requested size. Received: "
            "short_side=None. Fix: a number of pixels."
        )


def load_atelier(request: LoadRequest, *, scenes: int = 240) -> Loaded:
    """Paints the data set; all paintings of a scene are in one split."""
    from keras_artkd.datasets.atelier import STYLES, generate
    from keras_artkd.datasets.atelier.splits import split_scenes

    assert request.short_side is not None
    images, labels, scene_numbers = generate(scenes, request.short_side)
    names = [f"scene {number}" for number in scene_numbers]
    keys = [
        f"{STYLES[label]}/{name}"
        for label, name in zip(labels, names, strict=True)
    ]
    examples = Examples(
        ImageStore.from_images(images, labels, keys),
        names,
        [picture_digest(image) for image in images],
    )
    parts = {
        split: examples.take(np.flatnonzero(np.isin(scene_numbers, numbers)))
        for split, numbers in split_scenes(scenes, request.split_seed).items()
    }
    return Loaded(
        list(STYLES), limit_parts(parts, request.limit, request.split_seed), []
    )
