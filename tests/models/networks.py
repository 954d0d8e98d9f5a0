"""Networks built once for many tests, and what tests ask of them."""

import functools

import keras
import numpy as np

from keras_artkd import models

# The smallest of each family, for what does not depend on the size.
FAMILIES = (
    "resnet8",
    "densenet121",
    "dianet",
    "san10",
    "vgg8",
    "mobilenet_v2",
    "shufflenet_v1",
    "shufflenet_v2",
)
# What makes small networks of the large ones.
SMALL = {
    "densenet121": {"num_layers": (2, 2), "growth_rate": 8},
    "dianet": {"num_blocks": (2, 2), "filters": (8, 16)},
    "san10": {"num_blocks": (1, 1, 1), "filters": (32, 32, 64)},
}


def small(name, num_classes=10, **options):
    """A network of a family, of few layers where that can be chosen."""
    options = {**SMALL.get(name, {}), **options}
    return models.build(name, num_classes, (32, 32, 3), **options)


@functools.cache
def built(name, num_classes=100, size=32, **options):
    """A network that tests must not change."""
    return models.build(name, num_classes, (size, size, 3), **options)


def built_small(name):
    """As `small`, for tests that do not change it."""
    return built(name, **SMALL.get(name, {}))


def count_trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def shapes(model):
    return {name: tuple(x.shape[1:]) for name, x in model.endpoints.items()}


def images(count, size=32):
    pixels = np.random.default_rng(0).uniform(0, 255, (count, size, size, 3))
    return pixels.astype("float32")


def perturbed(model):
    """Weights away from ones and zeros, so that each matters."""
    generator = np.random.default_rng(0)
    for weight in model.weights:
        noise = generator.uniform(0.5, 1.5, weight.shape)
        weight.assign(noise * weight + 0.1 * (noise - 0.5))
    return model


def endpoint_values(model, x):
    """Every endpoint of images, in inference mode."""
    network = keras.Model(model.inputs[0], models.get_endpoints(model))
    return {k: np.array(v) for k, v in network(x, training=False).items()}


def between(model, first, last, x):
    """What the layers from `first` to `last` make of a map, by name."""
    inputs = model.get_layer(first).input
    outputs = model.get_layer(last).output
    return np.array(keras.Model(inputs, outputs)(x))
