"""Small networks and data that the distiller tests share."""

import keras
import numpy as np

from keras_artkd.models import WideResNet, with_endpoints

CLASSES = 4


def wide(width=1, head="pool", dtype=None, side=16):
    """A WRN-10 for 16-pixel images."""
    return WideResNet(
        10, width, CLASSES, (side, side, 3), head=head, dtype=dtype
    )


def plain(filters=4, side=16):
    """A small network without batch normalisation, endpoints named."""
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    names = {}
    for group in (1, 2, 3):
        x = keras.layers.Conv2D(
            filters * group,
            3,
            strides=2 if group > 1 else 1,
            padding="same",
            activation="relu",
            name=f"conv{group}",
        )(x)
        names[f"group{group}"] = f"conv{group}"
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(CLASSES)(x))
    return with_endpoints(model, names)


def batch(size=16, side=16, seed=0, views=1):
    """Random images, each in so many views, and labels."""
    random = np.random.default_rng(seed)
    shape = (size, *((views,) if views > 1 else ()), side, side, 3)
    images = random.uniform(0, 255, shape).astype("float32")
    return images, random.integers(0, CLASSES, size).astype("int32")


def snapshot(model):
    """A copy of every weight."""
    return [w.copy() for w in model.get_weights()]


def same(first, second):
    """Whether two snapshots agree bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
