"""The input pipeline: batches of images in memory or on disk."""

import functools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from keras_artkd.data.augment import (
    Batch,
    centre_windows,
    random_area,
    random_windows,
)
from keras_artkd.data.crops import Crops, edge_padding, what_to_learn
from keras_artkd.data.images import centre_square
from keras_artkd.data.order import epoch_order
from keras_artkd.data.prefetching import prefetched
from keras_artkd.data.recorded import RecordedViews
from keras_artkd.data.resampling import resize_matrix, resize_squares
from keras_artkd.data.shares import Share
from keras_artkd.data.store import ImageStore
from keras_artkd.data.stream import ImageStream, encoded_image
from keras_artkd.data.views import VIEWS, Draw, Store
from keras_artkd.types import Array, Tensor

Augmentation: TypeAlias = Callable[[Tensor, Tensor, Tensor], Batch]
"""From images, labels and a seed to images and labels."""
Take: TypeAlias = Callable[[Tensor], Tensor]
"""From the rows of a whole batch to those that are given."""


def steps_per_epoch(
    store: Store, batch_size: int, images_per_epoch: int | None = None
) -> int:
    """Returns the whole batches in an epoch of `training_dataset`."""
    images = min(len(store), images_per_epoch or len(store))
    return max(images // batch_size, 1)


def training_dataset(
    store: Store,
    image_size: int,
    batch_size: int,
    seed: int,
    epochs: int,
    initial_epoch: int = 0,
    views: str = "one",
    augmentations: Sequence[Augmentation] = (),
    crop_and_mirror: bool = True,
    images_per_epoch: int | None = None,
    recorded: RecordedViews | None = None,
    steps: int | None = None,
    share: Share | None = None,
) -> tf.data.Dataset:
    """Gives shuffled, augmented batches of every epoch to come.

    Each epoch is a new permutation, without the few images that do not fill a
    batch; where some images have no label, see `keras_artkd.data.order`. Each
    image is cropped at random and mirrored half of the time. Order
    and views depend on `seed` and the epoch alone.

    Images in memory are cropped as they are. Where they leave less than an
    eighth of room around the crop (those stored at the size itself), the crop
    may reach that far over the edge, onto black. Of an image of a stream, a
    random area is resized to the crop (see
    `keras_artkd.data.augment.random_area`).

    Args:
        store: `ImageStore` or `ImageStream`, not empty.
        image_size: int, side of the square crops, pixels.
        batch_size: int; a smaller store gives batches of its own size.
        seed: int.
        epochs: int, the epoch to end before.
        initial_epoch: int, the epoch to begin with, counted from 0.
        views: the views of each image in a batch, as the method requires them
            (`distillers.get_method(name).views`): `"one"`; `"two"`, drawn
            independently; `"class_pairs"`, a view of the image and one of
            another image of its class; or `"rotations"`, one view turned by 0,
            90, 180 and 270 degrees.
        augmentations: callables from images, labels and a seed to images and
            labels, as in `keras_artkd.data.augment`, applied in order.
        crop_and_mirror: bool; if False, images are cropped as those of
            `evaluation_dataset`. Only an `ImageStore` allows that.
        images_per_epoch: int, images of an epoch, drawn anew for each; None for
            all of them.
        recorded: `RecordedViews` of an `ImageStore`; None draws new views. They
            are the only ones then, with `views="one"` and no `augmentations`.
        steps: int, batches of an epoch, also more than all images fill; None
            for `steps_per_epoch`.
        share: `Share`, the part of every batch to give; None for all of it. No
            more images are read, unless there are `augmentations`, which may
            mix those of a batch.

    Returns:
        `tf.data.Dataset` of `steps` times `epochs -
        initial_epoch` batches: float32 `(batch, side, side, 3)` in [0, 255]
        and int32 labels `(batch,)`. A store with targets gives these instead
        of labels, float32 `(batch, classes)`: zeros for an image without a
        label. Images are `(batch, views, side,
        side, 3)` where `views` is not `"one"`. With `recorded` they are a dict
        of `"images"` and, by role, a teacher's logits `(batch, classes)`.
    """
    if views not in VIEWS:
        raise ValueError(
            f"`views` must be one of {', '.join(VIEWS)}. "
            f"Received: views={views!r}."
        )
    if not len(store):
        raise ValueError("There is no image to train on. Received: 0 images.")
    batch_size = min(batch_size, len(store))
    if steps is None:
        steps = steps_per_epoch(store, batch_size, images_per_epoch)
    # Those of a stream all have one.
    has_label = getattr(store, "has_label", np.ones(len(store), bool))
    order = epoch_order(has_label, batch_size, steps)

    def epoch_batches(epoch: Tensor) -> tf.data.Dataset:
        seeds = tf.random.split(
            tf.stack([tf.constant(seed, tf.int64), epoch]), steps + 1
        )
        return tf.data.Dataset.from_tensor_slices((order(seeds[0]), seeds[1:]))

    batches = tf.data.Dataset.range(initial_epoch, epochs).flat_map(
        epoch_batches
    )
    draw: Draw = _random_views if crop_and_mirror else _centre_views
    if recorded is not None:
        if views != "one" or augmentations:
            raise ValueError(
                "Recorded views are single and stay as they are. Received: "
                f"views={views!r}, {len(augmentations)} augmentations."
            )
        draw = recorded.draw
    take: Take = _everything
    if share is not None:
        take = functools.partial(share.take, batch_size=batch_size)
    if not augmentations:
        draw = functools.partial(draw, take=take)
    batches = VIEWS[views].make(draw, store, image_size, batches)
    if augmentations:
        batches = _augmented(
            batches, augmentations, seed, initial_epoch * steps, epochs * steps
        )
        if share is not None:
            batches = batches.map(lambda *both: tuple(map(take, both)))
    return prefetched(batches)


def _augmented(
    batches: tf.data.Dataset,
    augmentations: Sequence[Augmentation],
    seed: int,
    first_step: int,
    last_step: int,
) -> tf.data.Dataset:
    """Augments batches with separate seeds for every step."""

    def augment(batch: Batch, step: Tensor) -> Batch:
        images, labels = batch
        # No epoch is -1: these seeds are not those of the views.
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


def _everything(values: Tensor) -> Tensor:
    return values


@functools.singledispatch
def _random_views(
    store: Store, side: int, steps: tf.data.Dataset, take: Take = _everything
) -> tf.data.Dataset:
    """Makes batches of random views of the images of a store.

    Args:
        store: one of the kinds below.
        side: int, of the views, pixels.
        steps: `tf.data.Dataset` with an element for each batch: positions in
            the store `(batch,)`, and a seed `(2,)`.
        take: function that takes the rows to give of a whole batch. Views are
            drawn of all rows, so that each is the same whoever reads it.
    """
    raise TypeError(
        "Training images must be an ImageStore or an ImageStream. "
        f"Received: {type(store).__name__}."
    )


@_random_views.register
def _(
    store: ImageStore,
    side: int,
    steps: tf.data.Dataset,
    take: Take = _everything,
) -> tf.data.Dataset:
    padding = edge_padding(store, side)
    crops = Crops(store, side, padding, what_to_learn(store))

    def batch(indices: Tensor, seed: Tensor) -> Batch:
        corners, mirrored = random_windows(
            tf.gather(crops.sizes, indices), side, padding, seed
        )
        return crops(take(indices), take(corners), take(mirrored))

    return steps.map(
        batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


@_random_views.register
def _(
    store: ImageStream,
    side: int,
    steps: tf.data.Dataset,
    take: Take = _everything,
) -> tf.data.Dataset:
    with tf.device("CPU:0"):  # Captured by reference, as in `Crops`.
        paths = tf.constant(store.paths)
        shards = tf.constant(store.shards)
        offsets = tf.constant(store.offsets)
        labels = tf.constant(store.labels)
    batch_size = steps.element_spec[0].shape[0]
    own = len(take(tf.range(batch_size)))

    def places(indices: Tensor, seed: Tensor) -> tf.data.Dataset:
        seeds = take(tf.random.split(seed, batch_size))
        indices = take(indices)
        return tf.data.Dataset.from_tensor_slices(
            (
                tf.gather(paths, tf.gather(shards, indices)),
                tf.gather(offsets, indices),
                tf.gather(labels, indices),
                seeds,
            )
        )

    def view(
        path: Tensor, offset: Tensor, label: Tensor, seed: Tensor
    ) -> Batch:
        # EXIF's orientation is ignored; hardly any image has one.
        encoded = encoded_image(path, offset)
        size = tf.io.extract_jpeg_shape(encoded)[:2]
        window, mirrored = random_area(size, seed)
        image = tf.io.decode_and_crop_jpeg(
            encoded, window, channels=3, dct_method="INTEGER_ACCURATE"
        )
        image = tf.image.resize(image, (side, side), antialias=True)
        image = tf.clip_by_value(image, 0.0, 255.0)  # Resizing rounds.
        return tf.where(mirrored, image[:, ::-1], image), label

    # Image by image, so that one batch uses all cores.
    return (
        steps.flat_map(places)
        .map(view, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(
            own,
            drop_remainder=True,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
    )


def _centre_views(
    store: Store, side: int, steps: tf.data.Dataset, take: Take = _everything
) -> tf.data.Dataset:
    """Makes batches of central views; arguments as of `_random_views`."""
    if not isinstance(store, ImageStore):
        raise ValueError(
            "Training without a random crop requires an ImageStore. "
            f"Received: crop_and_mirror=False, {type(store).__name__}."
        )
    crops = Crops(store, side, 0, what_to_learn(store))

    def batch(indices: Tensor, seed: Tensor) -> Batch:
        del seed
        indices = take(indices)
        sizes = tf.gather(crops.sizes, indices)
        return crops(indices, *centre_windows(sizes, side))

    return steps.map(
        batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def evaluation_dataset(
    store: ImageStore,
    image_size: int,
    batch_size: int,
    network_size: int | None = None,
    share: Share | None = None,
) -> tf.data.Dataset:
    """Gives every image once, in order, cropped at the centre.

    Args:
        store: `ImageStore`.
        image_size: int, side of the crops, pixels.
        batch_size: int.
        network_size: int, the side to which crops are resized, to whole
            values, as `keras_artkd.data.resampling.resize_squares` does; None
            for none.
        share: `Share`, the part of every batch to give; None for all of it.

    Returns:
        `tf.data.Dataset` as of `training_dataset`; the last batch may be
        smaller. With `share` none is, and a float32 weight of each image is
        third, see `Share.evaluation_rows`.
    """
    crops = Crops(store, image_size, padding=0, labels=store.labels)

    def batch(indices: Tensor) -> Batch:
        corners, mirrored = centre_windows(
            tf.gather(crops.sizes, indices), image_size
        )
        images, labels = crops(indices, corners, mirrored)
        return _resized(images, network_size or image_size), labels

    if share is None:
        batches = tf.data.Dataset.range(len(store)).batch(batch_size)
        batches = batches.map(batch, num_parallel_calls=tf.data.AUTOTUNE)
    else:
        batches = tf.data.Dataset.from_tensor_slices(
            share.evaluation_rows(len(store), min(batch_size, len(store)))
        ).map(
            lambda indices, weights: (*batch(indices), weights),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    return prefetched(batches)


def evaluation_arrays(
    store: Store, image_size: int, network_size: int | None = None
) -> tuple[Array, Array]:
    """Returns the data of `evaluation_dataset` as NumPy arrays.

    Returns:
        uint8 `(n, side, side, 3)` and int32 `(n,)`.
    """
    side = network_size or image_size
    images = np.empty((len(store), side, side, 3), "uint8")
    for index in range(len(store)):
        crop = centre_square(store.image(index), image_size)
        images[index] = resize_squares(crop, side)
    return images, store.labels


def _resized(images: Tensor, side: int) -> Tensor:
    """`resize_squares` of float32 images with whole values."""
    old = images.shape[1]
    if old == side:
        return images
    matrix = resize_matrix(old, side)
    # Exact in float32, so these are its very bytes.
    rows = tf.floor(tf.einsum("hH,nHWc->nhWc", matrix, images) + 0.5)
    return tf.floor(tf.einsum("wW,nhWc->nhwc", matrix, rows) + 0.5)
