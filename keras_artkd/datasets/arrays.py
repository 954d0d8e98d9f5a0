"""Data sets of arrays: images of one size, with a test split."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from keras_artkd.data.images import centre_crop, resize_short_side
from keras_artkd.data.store import ImageStore
from keras_artkd.data.threads import map_threads
from keras_artkd.datasets.examples import Examples, Loaded, split_official
from keras_artkd.datasets.records import picture_digest
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.types import Array


class Arrays(NamedTuple):
    """A data set of arrays.

    Attributes:
        class_names: list of str; labels are positions in it.
        train: uint8 images `(n, height, width, 3)` and int32 labels `(n,)`.
        test: the same of the test split.
    """

    class_names: list[str]
    train: tuple[Array, Array]
    test: tuple[Array, Array]


def check_arrays(request: LoadRequest) -> None:
    """Checks the option `per_class`."""
    per_class = request.options.get("per_class")
    if per_class is not None and per_class < 2:
        raise ValueError(
            "`per_class` must be at least 2, one to train and one to "
            f"validate, or None for all. Received: per_class={per_class}."
        )


def split_arrays(
    arrays: Arrays,
    request: LoadRequest,
    validation_fraction: float,
    classes: int | None,
    per_class: int | None,
) -> Loaded:
    """Splits arrays; validation is taken from train.

    Args:
        arrays: `Arrays`.
        request: `LoadRequest`.
        validation_fraction: float in (0, 1), share of train.
        classes: int, only the first so many; None for all.
        per_class: int, only the first so many training images of each class;
            None for all.

    Returns:
        `Loaded`.
    """
    names = arrays.class_names
    if classes is None:
        classes = len(names)
    elif not 2 <= classes <= len(names):
        raise ValueError(
            f"`classes` must be 2 to {len(names)} here, or None for all. "
            f"Received: classes={classes}."
        )
    side = request.short_side
    parts, skipped = split_official(
        _examples("train", *arrays.train, side, classes, per_class),
        _examples("test", *arrays.test, side, classes),
        validation_fraction,
        request.limit,
        request.split_seed,
    )
    return Loaded(names[:classes], parts, skipped)


def _examples(
    split: str,
    images: Array,
    labels: Array,
    short_side: int | None,
    classes: int,
    per_class: int | None = None,
) -> Examples:
    """Takes the first `per_class` images of the first `classes`."""

    def resized(image: Array) -> Array:
        picture = centre_crop(Image.fromarray(image), 2.0)
        assert short_side is not None
        return np.array(resize_short_side(picture, short_side))

    rows = np.sort(
        np.concatenate(
            [np.flatnonzero(labels == i)[:per_class] for i in range(classes)]
        )
    )
    images = images[rows]
    if short_side not in (None, min(images.shape[1:3])):
        images = np.stack(list(map_threads(resized, images)))
    keys = [f"{split}/{row:06d}" for row in rows]
    return Examples(
        ImageStore.from_array(images, labels[rows], keys),
        keys,
        [picture_digest(image) for image in images],
    )
