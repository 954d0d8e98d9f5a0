"""Random views of a batch of images, drawn from explicit seeds.

Everything here is stateless: the same seed gives the same view, so an
interrupted run that resumes sees what the uninterrupted one would have.

`Cutout`, `Mixup` and `Rotations` are augmentations: called with images,
labels and a seed, they give images, float32, and labels. `keras_artkd.data.
training_dataset` takes them for every method; in a pipeline of your own
`dataset.map` does. Images are `(batch, height, width, 3)`, or
`(batch, views, height, width, 3)` with several views of each example.
"""

import dataclasses

import tensorflow as tf

# Turns by 90 degrees that differ. Here too: a pipeline needs no networks.
ROTATIONS = 4
# What networks of this package see as zero (`keras_artkd.models.blocks`).
GREY = 127.5


def random_windows(sizes, side, padding, seed):
    """Where to crop each image of a batch, and whether to mirror it.

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


def centre_windows(sizes, side):
    """The central crop of each image, not mirrored; see `random_windows`."""
    corners = (sizes - side) // 2
    return corners, tf.zeros(tf.shape(sizes)[:1], "bool")


def random_area(size, seed):
    """What part of an image to see, as is usual for ImageNet.

    8 to 100 % of its area, 3/4 to 4/3 as wide as high, anywhere in it. Of an
    image too narrow for that it is the whole.

    Args:
        size: int32 `(2,)`, height and width, pixels.
        seed: int32 or int64 `(2,)`.

    Returns:
        int32 `(4,)`: top, left, height and width of the part, and a bool,
        True half of the time: whether to mirror it.
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


def cutout(images, side, seed, fill=GREY):
    """Covers a square of each image, at a random place.

    The square's centre is uniform over the pixels, so that part of it may
    lie outside.

    Args:
        images: `(..., height, width, channels)`.
        side: int, of the square, pixels; 0 for none.
        seed: int32 or int64 `(2,)`.
        fill: float, the value of its pixels.

    Returns:
        As `images`, which may be a batch, with or without views: each has a
        square of its own.

    Reference: DeVries and Taylor, 2017, https://arxiv.org/abs/1708.04552,
    who cut after normalisation: zero is `fill` here.
    """
    shape = tf.shape(images)
    seeds = tf.random.split(seed, 2)

    def inside(axis, axis_seed):
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


def mixup(images, labels, partners, share):
    """Blends each example with another.

    Args:
        images: float `(batch, ...)`.
        labels: float `(batch, classes)`, probabilities.
        partners: int `(batch,)`, the position of each example's other.
        share: float scalar in [0, 1], lambda; 1 leaves all as it is.

    Returns:
        Images and labels, `share` times the own and `1 - share` times the
        partner's.

    Reference: Zhang et al., 2017, https://arxiv.org/abs/1710.09412; thesis
    002, eq 3.18.
    """

    def blend(values):
        weight = tf.cast(share, values.dtype)
        return weight * values + (1 - weight) * tf.gather(values, partners)

    return blend(images), blend(labels)


def rotate(images, count=ROTATIONS):
    """Each image turned by 0, 90, ... degrees counter-clockwise.

    Args:
        images: `(batch, ..., side, side, channels)`.
        count: int, 1 to 4, how many turns, the upright image among them.

    Returns:
        `(batch, count, ..., side, side, channels)`.
    """
    rank = images.shape.rank
    swap_sides = [*range(rank - 3), rank - 2, rank - 3, rank - 1]
    turned = [images]
    for _ in range(count - 1):
        # What was on the right comes up.
        swapped = tf.transpose(turned[-1], swap_sides)
        turned.append(swapped[..., ::-1, :, :])
    return tf.stack(turned, axis=1)


def joint_labels(labels, count=ROTATIONS):
    """Labels of every class and rotation: `count * label + rotation`.

    Args:
        labels: integers `(batch,)`, or probabilities `(batch, classes)`.
        count: int, how many rotations.

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

    def __post_init__(self):
        if self.side < 1:
            raise ValueError(
                "`side` must be at least one pixel. "
                f"Received: side={self.side}."
            )

    def __call__(self, images, labels, seed):
        """Covers a square of each image; labels as they are."""
        images = _as_floats(images)
        return cutout(images, self.side, seed, self.fill), labels


@dataclasses.dataclass(frozen=True)
class Mixup:
    """`mixup` of random pairs, in a share that is the same for a batch.

    Attributes:
        num_classes: int, of integer labels, which become probabilities; after
            `Rotations` its `count` times as many.
        alpha: float > 0: the share has the distribution Beta(alpha, alpha).
    """

    num_classes: int
    alpha: float = 0.2

    def __post_init__(self):
        if not self.alpha > 0:
            raise ValueError(
                f"`alpha` must be positive. Received: alpha={self.alpha}."
            )

    def __call__(self, images, labels, seed):
        """Blends images and labels; labels are then `(batch, classes)`."""
        images, labels = _as_floats(images), _as_flat(labels)
        seeds = tf.random.split(seed, 2)
        # Float64: a gamma variable of so small a shape is often tiny.
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
    """Self-supervised label augmentation: every image turned, told apart.

    A batch becomes `count` times as large, the turns of an image together:
    replicas that share it get whole images. Networks then need `count` times
    as many classes; `keras_artkd.models.with_rotations` makes one predict the
    classes alone.

    Attributes:
        count: int, 1 to 4, how many turns of 90 degrees.

    Reference: Lee, Hwang, Shin, 2020, https://arxiv.org/abs/1910.05872.
    """

    count: int = ROTATIONS

    def __post_init__(self):
        if self.count not in (1, 2, 3, 4):
            raise ValueError(
                f"`count` must be 1 to 4. Received: count={self.count}."
            )

    def __call__(self, images, labels, seed):
        """Turns images; labels are then `joint_labels`."""
        del seed  # Every turn is taken.
        images, labels = _as_floats(images), _as_flat(labels)
        joint = joint_labels(labels, self.count)
        return _merge(rotate(images, self.count)), _merge(joint)


def _as_floats(images):
    # Of integers a share of 0.7 would be none.
    return tf.cast(images, "float32")


def _as_flat(labels):
    """Integer labels `(batch,)` of `(batch, 1)`; any others as they are."""
    if labels.shape.rank == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    return labels


def _merge(values):
    """`(batch, count, ...)` as `(batch * count, ...)`."""
    return tf.reshape(values, (-1, *values.shape[2:]))
