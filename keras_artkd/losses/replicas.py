"""Sums over the replicas of a TensorFlow strategy."""

import keras


def sum_over_replicas(tensor):
    """The sum of a tensor over all replicas, with gradients.

    The tensor itself outside `tf.distribute`, and on other backends, where a
    step sees the whole batch.
    """
    if keras.backend.backend() != "tensorflow" or keras.backend.is_keras_tensor(
        tensor
    ):
        return tensor
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    # None where a strategy's scope builds, rather than its replicas run.
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)
