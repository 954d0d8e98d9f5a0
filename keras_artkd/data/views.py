"""The views of each image in a training batch."""

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from keras_artkd.catalogue.augmentations import ROTATIONS
from keras_artkd.data.augment import Batch, rotate
from keras_artkd.data.store import ImageStore
from keras_artkd.data.stream import ImageStream
from keras_artkd.types import Tensor

Store: TypeAlias = ImageStore | ImageStream
"""Images to train on."""

Draw: TypeAlias = Callable[..., tf.data.Dataset]
"""From a store, the views' side, and a dataset with the positions `(batch,)`
and the seed `(2,)` of every batch, to batches of single views."""


def _one_view(
    draw: Draw, store: Store, side: int, steps: tf.data.Dataset
) -> tf.data.Dataset:
    """One view of each image."""
    return draw(store, side, steps)


def _two_views(
    draw: Draw, store: Store, side: int, steps: tf.data.Dataset
) -> tf.data.Dataset:
    """Two views of each image."""
    doubled = steps.map(
        lambda indices, seed: (_interleave(indices, indices), seed)
    )
    return draw(store, side, doubled).map(_pair)


def _class_pairs(
    draw: Draw, store: Store, side: int, steps: tf.data.Dataset
) -> tf.data.Dataset:
    """A view of each image and one of another image of its class."""
    by_class = np.argsort(store.labels, kind="stable")
    counts = np.bincount(store.labels)
    first = np.cumsum(counts) - counts
    place = np.empty(len(store), "int64")
    place[by_class] = np.arange(len(store)) - first[store.labels[by_class]]
    with tf.device("CPU:0"):  # Captured by reference, as in `pipeline`.
        by_class, place = tf.constant(by_class), tf.constant(place)
        first = tf.constant(first[store.labels])
        counts = tf.constant(counts[store.labels])

    def pair(indices: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
        seeds = tf.random.split(seed, 2)
        size = tf.gather(counts, indices)
        others = tf.cast(tf.maximum(size - 1, 1), "float64")
        ahead = tf.random.stateless_uniform(
            tf.shape(indices), seeds[0], dtype="float64"
        )
        ahead = 1 + tf.cast(ahead * others, "int64")
        # The only image of a class is its own partner.
        partner = (tf.gather(place, indices) + ahead) % size
        partners = tf.gather(by_class, tf.gather(first, indices) + partner)
        partners = tf.cast(partners, indices.dtype)
        return _interleave(indices, partners), seeds[1]

    return draw(store, side, steps.map(pair)).map(_pair)


def _rotations(
    draw: Draw, store: Store, side: int, steps: tf.data.Dataset
) -> tf.data.Dataset:
    """Four turns of one view of each image."""
    return draw(store, side, steps).map(
        lambda images, labels: (rotate(images), labels),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _interleave(first: Tensor, second: Tensor) -> Tensor:
    """Joins two `(batch,)` to `(2 * batch,)`, in pairs."""
    count = first.shape[0]
    return tf.reshape(tf.stack([first, second], axis=1), (2 * count,))


def _pair(images: Tensor, labels: Tensor) -> Batch:
    """Makes every two images of a batch the views of one example."""
    return tf.reshape(images, (-1, 2, *images.shape[1:])), labels[::2]


@dataclasses.dataclass(frozen=True)
class Views:
    """The views of each image in a batch.

    Attributes:
        count: int, number of views.
        make: function of a `Draw`, a store, the views' side, and a dataset of
            positions in the store with seeds; gives batches.
    """

    count: int
    make: Callable[[Draw, Store, int, tf.data.Dataset], tf.data.Dataset]


# `training_dataset` explains each.
VIEWS = {
    "one": Views(1, _one_view),
    "two": Views(2, _two_views),
    "class_pairs": Views(2, _class_pairs),
    "rotations": Views(ROTATIONS, _rotations),
}
