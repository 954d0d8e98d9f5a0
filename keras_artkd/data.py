"""The input pipeline: images in memory, or on disk, into batches."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_artkd.augment import (
    ROTATIONS,
    centre_windows,
    random_area,
    random_windows,
    rotate,
)
from keras_artkd.image_store import ImageStore
from keras_artkd.image_stream import ImageStream, encoded_image
from keras_artkd.images import centre_square


def steps_per_epoch(store, batch_size):
    """Whole batches in an epoch of `training_dataset`."""
    return max(len(store) // batch_size, 1)


def training_dataset(
    store,
    image_size,
    batch_size,
    seed,
    epochs,
    initial_epoch=0,
    views="one",
    augmentations=(),
    crop_and_mirror=True,
):
    """Shuffled, augmented batches of every epoch to come.

    Each epoch is a new permutation, less the few images that do not fill a
    batch; each image is cropped at random and mirrored half of the time.
    Order and views depend on `seed` and the epoch alone.

    Images in memory are cropped as they are. Where they leave less than an
    eighth of room around the crop (those stored at the size itself), it may
    reach as far over the edge, onto black. Of a stream's, a random area is
    resized to the crop (see `keras_artkd.augment.random_area`).

    Args:
        store: `ImageStore` or `ImageStream`, not empty.
        image_size: int, side of the square crops, pixels.
        batch_size: int; a smaller store gives batches of its own size.
        seed: int.
        epochs: int, where to end.
        initial_epoch: int, where to begin, counted from 0.
        views: what a batch has of each image, as the method needs it
            (`distillers.get_method(name).views`): `"one"` view; `"two"`, drawn
            independently; `"class_pairs"`, a view of it and one of another
            image of its class; or `"rotations"`, a view turned by 0, 90, 180
            and 270 degrees.
        augmentations: callables from images, labels and a seed to images and
            labels, as `keras_artkd.augment` has them, applied in order.
        crop_and_mirror: bool; if False, images are seen as those of
            `evaluation_dataset`. Of an `ImageStore` alone.

    Returns:
        `tf.data.Dataset` of `steps_per_epoch` times `epochs -
        initial_epoch` batches: float32 `(batch, side, side, 3)` in [0, 255]
        and int32 `(batch,)`, or of a store with targets these, float32
        `(batch, classes)`; images are `(batch, views, side, side, 3)` where
        `views` is not `"one"`.
    """
    if views not in VIEWS:
        raise ValueError(
            f"`views` must be one of {', '.join(VIEWS)}. "
            f"Received: views={views!r}."
        )
    if not len(store):
        raise ValueError("There is no image to train on. Received: 0 images.")
    batch_size = min(batch_size, len(store))
    steps = steps_per_epoch(store, batch_size)

    def epoch_batches(epoch):
        seeds = tf.random.split(
            tf.stack([tf.constant(seed, tf.int64), epoch]), steps + 1
        )
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(store)), seeds[0]
        )
        order = tf.reshape(order[: steps * batch_size], (steps, batch_size))
        return tf.data.Dataset.from_tensor_slices((order, seeds[1:]))

    batches = tf.data.Dataset.range(initial_epoch, epochs).flat_map(
        epoch_batches
    )
    draw = _random_views if crop_and_mirror else _centre_views
    batches = VIEWS[views].make(draw, store, image_size, batches)
    if augmentations:
        batches = _augmented(
            batches, augmentations, seed, initial_epoch * steps, epochs * steps
        )
    return batches.prefetch(tf.data.AUTOTUNE)


def _augmented(batches, augmentations, seed, first_step, last_step):
    """Batches, augmented with seeds of their own for every step."""

    def augment(batch, step):
        images, labels = batch
        # An epoch of -1 has no views: nothing is drawn from the same seed.
        seeds = tf.random.split(
            tf.random.fold_in(tf.constant([seed, -1], tf.int64), step),
            len(augmentations),
        )
        for augmentation, own_seed in zip(
            augmentations, tf.unstack(seeds), strict=True
        ):
            images, labels = augmentation(images, labels, own_seed)
        return images, labels

    steps = tf.data.Dataset.range(first_step, last_step)
    return tf.data.Dataset.zip(batches, steps).map(
        augment, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _one_view(draw, store, side, steps):
    """A view of each image; `draw` is `_random_views` or `_centre_views`."""
    return draw(store, side, steps)


def _two_views(draw, store, side, steps):
    """Two views of each image."""
    doubled = steps.map(
        lambda indices, seed: (_interleave(indices, indices), seed)
    )
    return draw(store, side, doubled).map(_pair)


def _class_pairs(draw, store, side, steps):
    """A view of each image and one of another of its class."""
    by_class = np.argsort(store.labels, kind="stable")
    counts = np.bincount(store.labels)
    first = np.cumsum(counts) - counts
    place = np.empty(len(store), "int64")
    place[by_class] = np.arange(len(store)) - first[store.labels[by_class]]
    with tf.device("CPU:0"):  # Captured by reference, as in `_Crops`.
        by_class, place = tf.constant(by_class), tf.constant(place)
        first = tf.constant(first[store.labels])
        counts = tf.constant(counts[store.labels])

    def pair(indices, seed):
        seeds = tf.random.split(seed, 2)
        size = tf.gather(counts, indices)
        others = tf.cast(tf.maximum(size - 1, 1), "float64")
        ahead = tf.random.stateless_uniform(
            tf.shape(indices), seeds[0], dtype="float64"
        )
        ahead = 1 + tf.cast(ahead * others, "int64")
        # An only image of its class is its own partner.
        partner = (tf.gather(place, indices) + ahead) % size
        partners = tf.gather(by_class, tf.gather(first, indices) + partner)
        partners = tf.cast(partners, indices.dtype)
        return _interleave(indices, partners), seeds[1]

    return draw(store, side, steps.map(pair)).map(_pair)


def _rotations(draw, store, side, steps):
    """Four turns of one view of each image."""
    return draw(store, side, steps).map(
        lambda images, labels: (rotate(images), labels),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _interleave(first, second):
    """`(batch,)` twice as `(2 * batch,)`, in pairs."""
    count = first.shape[0]
    return tf.reshape(tf.stack([first, second], axis=1), (2 * count,))


def _pair(images, labels):
    """Every two images of a batch as the views of one example."""
    return tf.reshape(images, (-1, 2, *images.shape[1:])), labels[::2]


@functools.singledispatch
def _random_views(store, side, steps):
    """Batches of random views of the images of a store.

    Args:
        store: the kinds of store below.
        side: int, of the views, pixels.
        steps: `tf.data.Dataset` of what makes each batch: positions in the
            store `(batch,)`, and a seed `(2,)`.
    """
    raise TypeError(
        "Training images must be an ImageStore or an ImageStream. "
        f"Received: {type(store).__name__}."
    )


@_random_views.register
def _(store: ImageStore, side, steps):
    margin = side // 8
    padding = 0 if store.sizes.min() >= side + margin else margin
    crops = _Crops(store, side, padding, _what_to_learn(store))

    def batch(indices, seed):
        corners, mirrored = random_windows(
            tf.gather(crops.sizes, indices), side, padding, seed
        )
        return crops(indices, corners, mirrored)

    return steps.map(
        batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


@_random_views.register
def _(store: ImageStream, side, steps):
    with tf.device("CPU:0"):  # Captured by reference, as in `_Crops`.
        paths = tf.constant(store.paths)
        shards = tf.constant(store.shards)
        offsets = tf.constant(store.offsets)
        labels = tf.constant(store.labels)
    batch_size = steps.element_spec[0].shape[0]

    def places(indices, seed):
        return tf.data.Dataset.from_tensor_slices(
            (
                tf.gather(paths, tf.gather(shards, indices)),
                tf.gather(offsets, indices),
                tf.gather(labels, indices),
                tf.random.split(seed, batch_size),
            )
        )

    def view(path, offset, label, seed):
        # EXIF's orientation is left out; hardly an image has one.
        encoded = encoded_image(path, offset)
        size = tf.io.extract_jpeg_shape(encoded)[:2]
        window, mirrored = random_area(size, seed)
        image = tf.io.decode_and_crop_jpeg(
            encoded, window, channels=3, dct_method="INTEGER_ACCURATE"
        )
        image = tf.image.resize(image, (side, side), antialias=True)
        image = tf.clip_by_value(image, 0.0, 255.0)  # Off by a rounding.
        return tf.where(mirrored, image[:, ::-1], image), label

    # Image by image, so that one batch occupies all cores.
    return (
        steps.flat_map(places)
        .map(view, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(
            batch_size,
            drop_remainder=True,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
    )


def _centre_views(store, side, steps):
    """The central view of each image, as `_random_views` takes it."""
    if not isinstance(store, ImageStore):
        raise ValueError(
            "Images of an ImageStore alone can be trained on without a random "
            f"crop. Received: crop_and_mirror=False, {type(store).__name__}."
        )
    crops = _Crops(store, side, 0, _what_to_learn(store))

    def batch(indices, seed):
        del seed
        sizes = tf.gather(crops.sizes, indices)
        return crops(indices, *centre_windows(sizes, side))

    return steps.map(
        batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _what_to_learn(store):
    """The targets of a store, or its labels."""
    return store.labels if store.targets is None else store.targets


class Views(NamedTuple):
    """What a batch has of each image.

    Attributes:
        count: int, how many views.
        make: from `_random_views` or `_centre_views`, a store, their side and
            positions in the store to batches.
    """

    count: int
    make: Callable


# What each is, see `training_dataset`.
VIEWS = {
    "one": Views(1, _one_view),
    "two": Views(2, _two_views),
    "class_pairs": Views(2, _class_pairs),
    "rotations": Views(ROTATIONS, _rotations),
}


def evaluation_dataset(store, image_size, batch_size):
    """Every image once, in order, cropped at the centre.

    Returns:
        `tf.data.Dataset` as of `training_dataset`; the last batch may be
        smaller.
    """
    crops = _Crops(store, image_size, padding=0, labels=store.labels)

    def batch(indices):
        corners, mirrored = centre_windows(
            tf.gather(crops.sizes, indices), image_size
        )
        return crops(indices, corners, mirrored)

    return (
        tf.data.Dataset.range(len(store))
        .batch(batch_size)
        .map(batch, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


def evaluation_arrays(store, image_size):
    """What `evaluation_dataset` gives, as NumPy arrays.

    Returns:
        uint8 `(n, side, side, 3)` and int32 `(n,)`.
    """
    images = np.empty((len(store), image_size, image_size, 3), "uint8")
    for index in range(len(store)):
        images[index] = centre_square(store.image(index), image_size)
    return images, store.labels


class _Crops:
    """Square crops of stored images, a batch at a time."""

    def __init__(self, store, side, padding, labels):
        smallest = int(store.sizes.min()) if len(store) else side
        if smallest + 2 * padding < side:
            raise ValueError(
                "Every image must be at least as large as the crop. Received: "
                f"an image of {smallest} pixels, image_size={side}. Fix: load "
                "the data with a larger `short_side`."
            )
        # Eager tensors that the pipeline's functions capture by reference:
        # they are not copied into a graph, whose limit is two gigabytes.
        with tf.device("CPU:0"):
            self.pixels = tf.constant(store.pixels)
            self.offsets = tf.constant(store.offsets)
            self.sizes = tf.constant(store.sizes)
            self.labels = tf.constant(labels)
        self.side = side
        self.padding = padding

    def __call__(self, indices, corners, mirrored):
        """Crops `(batch, side, side, 3)`, float32, and labels."""
        steps = tf.range(self.side)
        rows = corners[:, :1] + steps
        columns = corners[:, 1:] + tf.where(
            mirrored[:, None], steps[::-1], steps
        )
        sizes = tf.gather(self.sizes, indices)
        height, width = sizes[:, :1], sizes[:, 1:]
        if self.padding:
            rows_inside = (rows >= 0) & (rows < height)
            columns_inside = (columns >= 0) & (columns < width)
            rows = tf.clip_by_value(rows, 0, height - 1)
            columns = tf.clip_by_value(columns, 0, width - 1)
        places = rows[:, :, None] * width[:, :, None] + columns[:, None, :]
        starts = tf.gather(self.offsets, indices)[:, None, None]
        images = tf.cast(
            tf.gather(self.pixels, starts + tf.cast(places, "int64")),
            "float32",
        )
        if self.padding:
            inside = rows_inside[:, :, None] & columns_inside[:, None, :]
            images = tf.where(inside[..., None], images, 0.0)
        return images, tf.gather(self.labels, indices)
