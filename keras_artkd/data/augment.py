"""Random views of a batch of images, drawn from explicit seeds.

Everything here is stateless: the same seed gives the same view. A run that
resumes therefore sees what the uninterrupted run would have seen.

`Cutout`, `Mixup` and `Rotations` are augmentations: they take images, labels
and a seed, and return images, float32, and labels. Every method takes them
through `keras_artkd.data.pipeline.training_dataset`; your own pipeline takes
them through `dataset.map`. Images are `(batch, height, width, 3)`, or
`(batch, views, height, width, 3)` with several views of each example.
"""

import dataclasses
from typing import TypeAlias

import tensorflow as tf

from keras_artkd.catalogue.augmentations import ROTATIONS
from keras_artkd.types import Tensor

# The value that networks of this package scale to zero
# (`keras_artkd.models.blocks`).
GREY = 127.5

Batch: TypeAlias = tuple[Tensor, Tensor]
"""Images and labels."""


def random_windows(
    sizes: Tensor, side: int, padding: int, seed: Tensor
) -> tuple[Tensor, Tensor]:
    """Draws where to crop each image of a batch, and whether to mirror it.

    Args:
        sizes: int32 `(batch, 2)`, height and width of each image, pixels.
        side: int, side of the square crop, at most any size plus padding.
        padding: int, how far a crop may reach over each edge, pixels.
        seed: int32 or int64 `(2,)`.

    Returns:
        int32 `(batch, 2)` of top and left corners, uniform over the places
        where the crop fits, and bool `(batch,)`, True for half of them.
    """
    batch = tf.shape(sizes)[0]
    seeds = tf.random.split(seed, 2)
    room = sizes + (2 * padding - side + 1)
    place = tf.random.stateless_uniform((batch, 2), seeds[0])
    corners = tf.cast(place * tf.cast(room, "float32"), "int32")
    # A uniform number just below 1 can round up to the whole room.
    corners = tf.minimum(corners, room - 1) - padding
    mirrored = tf.random.stateless_uniform((batch,), seeds[1]) < 0.5
    return corners, mirrored


def centre_windows(sizes: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Returns central crops, not mirrored, as `random_windows` does."""
    corners = (sizes - side) // 2
    return corners, tf.zeros(tf.shape(sizes)[:1], "bool")


def random_area(size: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    """Draws the part of an image to see, as is usual for ImageNet.

    The part has 8 to 100 % of the image's area, is 3/4 to 4/3 as wide as high,
    and lies anywhere in the image. An image too narrow for that is taken
    whole.

    Args:
        size: int32 `(2,)`, height and width, pixels.
        seed: int32 or int64 `(2,)`.

    Returns:
        int32 `(4,)`: top, left, height and width of the part; and a bool
        scalar, True half of the time: whether to mirror it.
    """
    seeds = tf.random.split(seed, 2)
    corner, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.concat([size, [3]], 0),
        tf.zeros((1, 0, 4)),
        seeds[0],
        min_object_covered=0.0,
        aspect_ratio_range=(3 / 4, 4 / 3),
        area_range=(0.08, 1.0),
        use_image_if_no_bounding_boxes=True,
    )
    mirrored = tf.random.stateless_uniform((), seeds[1]) < 0.5
    return tf.concat([corner[:2], extent[:2]], 0), mirrored


def cutout(
    images: Tensor, side: int, seed: Tensor, fill: float = GREY
) -> Tensor:
    """Covers a square of each image, at a random place.

    The square's centre is uniform over the pixels. Part of the square may
    therefore lie outside the image.

    Args:
        images: `(..., height, width, channels)`.
        side: int, of the square, pixels; 0 for none.
        seed: int32 or int64 `(2,)`.
        fill: float, the value of its pixels.

    Returns:
        As `images`. In a batch, with or without views, every image has its
        own square.

    Reference: DeVries and Taylor, 2017, https://arxiv.org/abs/1708.04552. They
    cut after normalisation, where the value is zero; here it is `fill`.
    """
    shape = tf.shape(images)
    seeds = tf.random.split(seed, 2)

    def inside(axis: int, axis_seed: Tensor) -> Tensor:
        size = shape[axis]
        centre = tf.random.stateless_uniform(
            shape[:-3], axis_seed, 0, size, "int32"
        )
        first = (centre - side // 2)[..., None]
        place = tf.range(size)
        return (place >= first) & (place < first + side)

    rows, columns = inside(-3, seeds[0]), inside(-2, seeds[1])
    covered = rows[..., :, None, None] & columns[..., None, :, None]
    return tf.where(covered, tf.cast(fill, images.dtype), images)


def mixup(
    images: Tensor, labels: Tensor, partners: Tensor, share: Tensor
) -> Batch:
    """Blends each example with another.

    Args:
        images: float `(batch, ...)`.
        labels: float `(batch, classes)`, probabilities.
        partners: int `(batch,)`, the position of each example's partner.
        share: float scalar in [0, 1], lambda; 1 changes nothing.

    Returns:
        Images and labels: `share` times the example's own plus `1 - share`
        times its partner's.

    Reference: Zhang et al., 2017, https://arxiv.org/abs/1710.09412; thesis
    002, eq 3.18.
    """

    def blend(values: Tensor) -> Tensor:
        weight = tf.cast(share, values.dtype)
        return weight * values + (1 - weight) * tf.gather(values, partners)

    return blend(images), blend(labels)


def rotate(images: Tensor, count: int = ROTATIONS) -> Tensor:
    """Turns each image by 0, 90, ... degrees counter-clockwise.

    Args:
        images: `(batch, ..., side, side, channels)`.
        count: int, 1 to 4, the number of turns with the upright image.

    Returns:
        `(batch, count, ..., side, side, channels)`.
    """
    rank = images.shape.rank
    swap_sides = [*range(rank - 3), rank - 2, rank - 3, rank - 1]
    turned = [images]
    for _ in range(count - 1):
        # The right side goes to the top.
        swapped = tf.transpose(turned[-1], swap_sides)
        turned.append(swapped[..., ::-1, :, :])
    return tf.stack(turned, axis=1)


def joint_labels(labels: Tensor, count: int = ROTATIONS) -> Tensor:
    """Labels every class and rotation: `count * label + rotation`.

    Args:
        labels: integers `(batch,)`, or probabilities `(batch, classes)`.
        count: int, number of rotations.

    Returns:
        `(batch, count)` integers, or `(batch, count, count * classes)`
        probabilities.
    """
    if labels.shape.rank == 1:
        return count * labels[:, None] + tf.range(count, dtype=labels.dtype)
    turns = tf.eye(count, dtype=labels.dtype)
    joint = labels[:, None, :, None] * turns[None, :, None, :]
    return tf.reshape(joint, (-1, count, count * labels.shape[1]))


@dataclasses.dataclass(frozen=True)
class Cutout:
    """`cutout` as an augmentation.

    Attributes:
        side: int > 0, of the square, pixels. 8 of 32 is the authors' choice
            for CIFAR-100.
        fill: see `cutout`.
    """

    side: int = 8
    fill: float = GREY

    def __post_init__(self) -> None:
        if self.side < 1:
            raise ValueError(
                "`side` must be at least one pixel. "
                f"Received: side={self.side}."
            )

    def __call__(self, images: Tensor, labels: Tensor, seed: Tensor) -> Batch:
        """Covers a square of each image; the labels stay."""
        images = _as_floats(images)
        return cutout(images, self.side, seed, self.fill), labels


@dataclasses.dataclass(frozen=True)
class Mixup:
    """`mixup` of random pairs, with one share for a batch.

    Attributes:
        num_classes: int, of integer labels, which become probabilities. After
            `Rotations` there are `count` times as many classes.
        alpha: float > 0: the share has the distribution Beta(alpha, alpha).
    """

    num_classes: int
    alpha: float = 0.2

    def __post_init__(self) -> None:
        if not self.alpha > 0:
            raise ValueError(
                f"`alpha` must be positive. Received: alpha={self.alpha}."
            )

    def __call__(self, images: Tensor, labels: Tensor, seed: Tensor) -> Batch:
        """Blends images and labels, which become `(batch, classes)`."""
        images, labels = _as_floats(images), _as_flat(labels)
        seeds = tf.random.split(seed, 2)
        # Float64: with so small a shape parameter, a gamma variable is tiny.
        gammas = tf.random.stateless_gamma(
            (2,), seeds[0], tf.constant(self.alpha, "float64"), dtype="float64"
        )
        partners = tf.random.experimental.stateless_shuffle(
            tf.range(tf.shape(images)[0]), seeds[1]
        )
        if labels.shape.rank == 1:
            tf.debugging.assert_less(
                labels,
                tf.cast(self.num_classes, labels.dtype),
                "`num_classes` must be the number of all labels. Fix: after "
                "Rotations, `count` times as many.",
            )
            labels = tf.one_hot(labels, self.num_classes)
        return mixup(
            images, labels, partners, gammas[0] / tf.reduce_sum(gammas)
        )


@dataclasses.dataclass(frozen=True)
class Rotations:
    """Self-supervised label augmentation: a class for every turn of an image.

    A batch becomes `count` times as large. The turns of an image are together,
    so that replicas share whole images. Networks then need `count` times as
    many classes; `keras_artkd.models.with_rotations` makes a network predict
    the plain classes.

    Attributes:
        count: int, 1 to 4, number of turns by 90 degrees.

    Reference: Lee, Hwang, Shin, 2020, https://arxiv.org/abs/1910.05872.
    """

    count: int = ROTATIONS

    def __post_init__(self) -> None:
        if self.count not in (1, 2, 3, 4):
            raise ValueError(
                f"`count` must be 1 to 4. Received: count={self.count}."
            )

    def __call__(self, images: Tensor, labels: Tensor, seed: Tensor) -> Batch:
        """Turns images; the labels become `joint_labels`."""
        del seed  # Every turn is taken.
        images, labels = _as_floats(images), _as_flat(labels)
        joint = joint_labels(labels, self.count)
        return _merge(rotate(images, self.count)), _merge(joint)


def _as_floats(images: Tensor) -> Tensor:
    # As an integer, a share of 0.7 would be 0.
    return tf.cast(images, "float32")


def _as_flat(labels: Tensor) -> Tensor:
    """Flattens integer labels `(batch, 1)` to `(batch,)`; others stay."""
    if labels.shape.rank == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    return labels


def _merge(values: Tensor) -> Tensor:
    """Reshapes `(batch, count, ...)` to `(batch * count, ...)`."""
    return tf.reshape(values, (-1, *values.shape[2:]))
