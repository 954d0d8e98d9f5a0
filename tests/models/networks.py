"""Facts of a family of networks, and what tests ask of a network."""

import dataclasses
import functools
from collections.abc import Mapping

import keras
import numpy as np

from keras_artkd import models


@dataclasses.dataclass(frozen=True)
class Family:
    """Facts about one file of networks, for the tests of all networks.

    `tests/models/test_<file>.py` has it as `FAMILY`.

    Attributes:
        parameters: trainable parameters for 100 classes at 32 pixels, of every
            name that the catalogue has of the file.
        multiply_adds: millions at 32 pixels, where published: name -> number.
        groups: shapes of `group1`, `group2`, ... at 32 pixels, of some names.
        last: channels of `features` where the last group has others.
        group_is: `"activated"`, the ReLU of its preactivation; `"linear"`, the
            preactivation itself; or `"raw"`, what that is normalised of.
        small: options that make a small network of the first name.
        stages: what replaces the file's STAGES in small networks.
        config: arguments of the class, none at its default.
        smallest: stem -> the smallest side of an image; None for no stem.
        cancelled: end of the paths of weights that the next batch
            normalisation subtracts again: no gradient reaches them.
        int8_correlation: the least of the answers in int8 and in float32.
        grey: the value of a pixel that is zero to the network.
    """

    parameters: Mapping[str, int]
    multiply_adds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    groups: Mapping[str, tuple] = dataclasses.field(default_factory=dict)
    last: int | None = None
    group_is: str = "activated"
    small: Mapping[str, object] = dataclasses.field(default_factory=dict)
    stages: tuple | None = None
    config: Mapping[str, object] = dataclasses.field(default_factory=dict)
    smallest: Mapping[str | None, int] = dataclasses.field(default_factory=dict)
    cancelled: str | None = None
    int8_correlation: float = 0.95
    grey: float = 127.5


@functools.cache
def built(name, num_classes=100, size=32):
    """A network by name, which tests must not change."""
    return models.build(name, num_classes, (size, size, 3))


def described(name, num_classes=100, size=32):
    """A network by name that has shapes but no values of weights.

    It is made in half of the time, and takes no memory.
    """
    with keras.StatelessScope():
        return models.build(name, num_classes, (size, size, 3))


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


def _all_values(model, x):
    """Every endpoint, and the output, which `RotationModel` has none for."""
    outputs = {**models.get_endpoints(model), "output": model.outputs[0]}
    network = keras.Model(model.inputs[0], outputs)
    return {k: np.array(v) for k, v in network(x, training=False).items()}


def between(model, first, last, x):
    """What the layers from `first` to `last` make of a map, by name."""
    inputs = model.get_layer(first).input
    outputs = model.get_layer(last).output
    return np.array(keras.Model(inputs, outputs)(x))


def saved_and_loaded(model, x, path):
    """A model from its file, which answers the same, bit for bit."""
    model.save(path)
    restored = keras.models.load_model(path)
    assert type(restored) is type(model)
    expected, values = (_all_values(m, x) for m in (model, restored))
    assert list(values) == list(expected)
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    return restored
