"""Small exported classifiers, for the tests of what reads them."""

import functools
import pathlib

import keras
import numpy as np
from PIL import Image

from keras_artkd.deploy.export import deliver
from keras_artkd.deploy.formats import EXPORT_FORMATS, write_info
from keras_artkd.deploy.formats.writing import export_model
from keras_artkd.deploy.model_info import ModelInfo

CLASSES = ["red", "green", "blue"]
INFO = ModelInfo(CLASSES, image_size=8, short_side=9, card="# A card\n")
# The names of the files that `write_classifiers` writes.
FILES = [
    *(f"c{each.suffix or '_saved_model'}" for each in EXPORT_FORMATS.values()),
    "c.keras",
]


def make_colour_network():
    """Logits: how red, green and blue the image is; nothing to train."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 32)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(3, kernel_initializer="identity")(x)
    return keras.Model(inputs, logits)


def write_classifiers(folder):
    """Writes the network in every format; returns dict name -> path."""
    network = make_colour_network()
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), "uint8")
    logits = network.predict(images.astype("float32"), verbose=0)
    for name, file_format in zip(FILES, EXPORT_FORMATS.values(), strict=False):
        deliver(
            functools.partial(export_model, file_format, network),
            folder / name,
            lambda report: INFO,
            images,
            logits,
            logits.argmax(axis=1),
        )
    network.save(folder / "c.keras")
    write_info(folder / "c.keras", INFO)
    return {name: pathlib.Path(folder, name) for name in FILES}


def write_image(path, colour, size=(40, 30)):
    """An image file of one colour: `(red, green, blue)`."""
    Image.new("RGB", size, colour).save(path)
    return path
