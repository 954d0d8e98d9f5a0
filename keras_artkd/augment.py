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
