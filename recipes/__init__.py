"""Recipes: one data set a file, one runner for all."""

from keras_artkd.lite import quiet

# TensorFlow talks when it is imported, and when it first looks for GPUs,
# before it can be told not to: nothing that a user can act on, and the one
# line that says what is wrong would drown.
with quiet():
    import tensorflow as tf

    tf.config.list_physical_devices()
# Several networks of one kind are no retracing that should be mended.
tf.get_logger().setLevel("ERROR")
