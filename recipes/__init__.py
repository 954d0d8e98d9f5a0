"""Recipes: one data set a file, one runner for all."""

from keras_artkd.lite import quiet

# TensorFlow talks when it is imported, before it can be told not to: nothing
# that a user can act on, and the one line that says what is wrong drowns.
with quiet():
    import tensorflow  # noqa: F401
