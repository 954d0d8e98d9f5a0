"""Batches that are made ahead, by a fixed number of threads."""

import os

import tensorflow as tf


def prefetched(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Makes batches ahead; operations of free parallelism use all cores.

    TensorFlow would tune their number in a thread that looks again after ever
    longer times, and nothing wakes it: who ends an iteration may wait for it
    as long as the iteration took, up to a minute. For a validation that is
    half a second after each epoch. Work on a batch is of one size here, so
    that there is nothing to tune.

    Args:
        batches: `tf.data.Dataset`.

    Returns:
        `tf.data.Dataset` of the same elements.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    # TensorFlow's own is 16.
    options.autotune.initial_parallelism = os.cpu_count() or 1
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)
