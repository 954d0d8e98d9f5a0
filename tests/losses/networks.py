"""Networks of a few convolutions, with every endpoint that losses read."""

import functools

import keras
import numpy as np

from keras_artkd.distillers import Distiller
from keras_artkd.models import with_endpoints

CLASSES = 4
# The teacher's images and maps: larger, smaller than the student's.
TEACHERS = {
    "same": {"width": 6},
    "wide_and_large": {"width": 6, "side": 32},
    "narrow_and_small": {"width": 3, "side": 12},
    "flat": {"width": 4, "strides": 1},
}


def make_network(width=4, side=16, strides=2):
    """Three groups of `width`, twice and four times that many channels.

    Args:
        width: int, channels of the first group.
        side: int, of the images and of the first group's map.
        strides: of the second and third group.
    """
    inputs = x = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 64)(x)
    names = {}
    for group in (1, 2, 3):
        x = keras.layers.Conv2D(
            width * 2 ** (group - 1),
            3,
            strides=1 if group == 1 else strides,
            padding="same",
            name=f"conv{group}",
        )(x)
        names[f"group{group}"] = f"conv{group}"
        x = keras.layers.ReLU(name=f"relu{group}")(x)
    names["features"] = "relu3"
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(CLASSES)(x)
    return with_endpoints(keras.Model(inputs, logits), names)


def make_batch(size=16, side=16):
    """Images and labels."""
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (size, side, side, 3)).astype("float32")
    return images, random.integers(0, CLASSES, size)


def make_distiller(loss, teacher=None, student=None, weight=1e-3):
    """A distiller of tiny networks with one transfer loss, compiled."""
    distiller = Distiller(
        student or make_network(),
        teachers={"expert": teacher or make_network(width=6)},
        transfer_losses=[loss],
        transfer_weights=[weight],
    )
    distiller.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    return distiller


@functools.cache
def sample(teacher="same"):
    """Labels, and the endpoints of a batch in a teacher and a student."""
    _, labels = make_batch(8)
    networks = make_network(**TEACHERS[teacher]), make_network()
    sides = (TEACHERS[teacher].get("side", 16), 16)
    return labels, *(
        keras.Model(network.inputs[0], dict(network.endpoints))(
            make_batch(8, side)[0]
        )
        for network, side in zip(networks, sides, strict=True)
    )


def make_maps(side=8, scale=1):
    """Maps of three examples, the teacher's and the student's."""
    random = np.random.default_rng(0)
    return scale * random.normal(size=(2, 3, side, side, 4))
