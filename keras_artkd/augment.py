"""Random views of a batch of images, drawn from explicit seeds.

Everything here is stateless: the same seed gives the same view, so an
interrupted run that resumes sees what the uninterrupted one would have.
"""

import tensorflow as tf


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
