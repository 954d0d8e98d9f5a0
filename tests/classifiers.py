"""Small exported classifiers, for the tests of what reads them."""

import functools

import keras
import numpy as np
from PIL import Image

from keras_artkd.export import (
    deliver,
    export_onnx,
    export_saved_model,
    export_tflite,
)
from keras_artkd.model_info import ModelInfo, write_info

CLASSES = ["red", "green", "blue"]
INFO = ModelInfo(CLASSES, image_size=8, short_side=9, card="# A card\n")
FORMATS = {
    "c.tflite": export_tflite,
    "c.onnx": export_onnx,
    "c_saved_model": export_saved_model,
}


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
    for name, write in FORMATS.items():
        deliver(
            functools.partial(write, network),
            folder / name,
            lambda report: INFO,
            images,
            logits,
            logits.argmax(axis=1),
        )
    network.save(folder / "c.keras")
    write_info(folder / "c.keras", INFO)
    return {name: folder / name for name in (*FORMATS, "c.keras")}


def write_image(path, colour, size=(40, 30)):
    """An image file of one colour: `(red, green, blue)`."""
    Image.new("RGB", size, colour).save(path)
    return path
