"""Which images each batch of an epoch holds, and in which order.

It is a function of the seed and the epoch alone.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from keras_artkd.types import Array, Tensor

Order: TypeAlias = Callable[[Tensor], Tensor]
"""From a seed `(2,)` to positions in a store, int32 `(steps, batch)`."""

# A batch has at least this part of labelled images.
_LEAST_LABELLED = 4


def labelled_in_batch(labelled: int, unlabelled: int, batch_size: int) -> int:
    """How many images of a batch have a label.

    Their share of all images, but at least a quarter of the batch: a batch of
    300 labelled images and 10,000 others would have one label at random.
    FixMatch has an eighth (Sohn et al., 2020, https://arxiv.org/abs/2001.07685,
    section 3); a quarter is what was measured here (docs/results.md).

    Args:
        labelled: int >= 1, images with a label.
        unlabelled: int >= 0, images without.
        batch_size: int.

    Returns:
        int: `batch_size` where every image has a label; otherwise at least one
        less.

    Raises:
        ValueError: for a batch that has no room for both.

    Example:
        >>> labelled_in_batch(271, 1082, 32), labelled_in_batch(900, 100, 32)
        (8, 29)
    """
    if not unlabelled:
        return batch_size
    if batch_size < 2:
        raise ValueError(
            "A batch must have room for an image with a label and for one "
            f"without. Received: batch_size={batch_size}. Fix: at least 2."
        )
    share = round(batch_size * labelled / (labelled + unlabelled))
    least = -(-batch_size // _LEAST_LABELLED)
    return min(max(share, least), batch_size - 1)


def epoch_order(has_label: Array, batch_size: int, steps: int) -> Order:
    """The order of the images of an epoch.

    Where all images have a label, or none has, it is a permutation, of which
    the end that fills no batch, or is beyond `steps`, is left out; or one
    permutation after the other, where they fill less than `steps`. Where some
    have none, each kind of images has places of its own in every batch, see
    `labelled_in_batch`, and fills them by one permutation after the other. So
    within an epoch an image is seen at most once more than another of its kind.

    Args:
        has_label: bool `(n,)`, of each image.
        batch_size: int, at most `n`.
        steps: int, batches of the epoch.

    Returns:
        `Order`.
    """
    rows = np.arange(len(has_label), dtype="int32")
    known, unknown = rows[has_label], rows[~has_label]
    if not len(unknown) or not len(known):
        if steps * batch_size > len(rows):
            return lambda seed: _passes(rows, steps, batch_size, seed)
        return lambda seed: tf.reshape(
            tf.random.experimental.stateless_shuffle(
                tf.range(len(has_label)), seed
            )[: steps * batch_size],
            (steps, batch_size),
        )
    count = labelled_in_batch(len(known), len(unknown), batch_size)
    places = _interleaved(count, batch_size - count)

    def order(seed: Tensor) -> Tensor:
        seeds = tf.random.split(seed, 2)
        both = [
            _passes(known, steps, count, seeds[0]),
            _passes(unknown, steps, batch_size - count, seeds[1]),
        ]
        return tf.gather(tf.concat(both, axis=1), places, axis=1)

    return order


def _interleaved(first: int, second: int) -> Array:
    """Where to take a batch from, so that both kinds are spread over it.

    Each replica then has some of both.
    """
    at = [(np.arange(count) + 0.5) / count for count in (first, second)]
    return np.argsort(np.concatenate(at), kind="stable")


def _passes(rows: Array, steps: int, count: int, seed: Tensor) -> Tensor:
    """Permutations of rows, one after the other, as `(steps, count)`."""
    passes = -(-steps * count // len(rows))
    # The order of random numbers is a permutation, also of two equal ones.
    random = tf.random.stateless_uniform((passes, len(rows)), seed)
    drawn = tf.gather(rows, tf.argsort(random, axis=1, stable=True))
    return tf.reshape(tf.reshape(drawn, (-1,))[: steps * count], (steps, count))
