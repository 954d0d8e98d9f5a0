"""Images of noise, and an untrained expert of them, for pseudo-labels."""

import keras
import numpy as np

from keras_artkd.data.store import NO_LABEL, ImageStore
from keras_artkd.runs.label_table import write_labels
from tests.tables import read_table, write_table

CLASSES = ["Art Nouveau", "Cubism, late", 'The "Fauves"', "浮世絵"]


def store(count, seed=0, labels=None):
    """Images of noise, wider than high."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 8, 10, 3), dtype="uint8")
    if labels is None:
        labels = np.full(count, NO_LABEL)
    keys = [f"{seed}/painting, {i}.jpg" for i in range(count)]
    return ImageStore.from_array(images, labels, keys)


def centres(images):
    """What an expert of 8 pixels sees of them."""
    return np.stack(
        [images.image(i)[:, 1:9].astype("float32") for i in range(len(images))]
    )


def make_expert():
    """A network of four classes for images of 8 pixels."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 3, strides=2)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(4)(x))


def write_corrected(path, labels):
    """A table with a class changed, an image left out, a line removed.

    Returns:
        The positions of these three images, and the class of the first.
    """
    write_labels(path, labels, CLASSES)
    rows = read_table(path)
    other = (CLASSES.index(rows[0]["label"]) + 1) % len(CLASSES)
    rows[0]["label"] = CLASSES[other]
    rows[1]["used"] = " NO "
    write_table(path, [*rows[3:], *rows[:2]])
    position = {key: i for i, key in enumerate(labels.keys.tolist())}
    return [position[row["image"]] for row in rows[:3]], other
