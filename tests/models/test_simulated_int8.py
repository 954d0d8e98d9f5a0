"""A network that rounds as its int8 file does."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.deploy.formats import open_model
from keras_artkd.deploy.formats.tflite import export_tflite
from keras_artkd.layers.fake_quantisation import fake_quantise_kernel
from keras_artkd.measure.metrics import softmax
from keras_artkd.models.simulated_int8 import (
    IntegerNormalisation,
    IntegerWeights,
    simulate_int8,
)
from tests.models.unequal import with_unequal_channels

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), "uint8")


def centred(probabilities):
    """Logits of probabilities, up to the constant of each image."""
    logits = np.log(np.maximum(probabilities, 1e-9))
    return logits - logits.mean(axis=1, keepdims=True)


def test_it_is_wrong_where_the_int8_file_is_wrong(tmp_path):
    """A network that int8 harms: the simulation does the same harm."""
    network = models.build("wrn_10_1", 5, (32, 32, 3))
    network(IMAGES.astype("float32"), training=True)
    whole = network.predict(IMAGES, verbose=0)
    with_unequal_channels(network)
    np.testing.assert_allclose(
        network.predict(IMAGES, verbose=0), whole, atol=1e-3
    )
    simulated = simulate_int8(network)
    before = [np.array(v) for v in network.non_trainable_variables]
    simulated(IMAGES.astype("float32"), training=True)
    # Batch normalisation has not moved.
    for old, new in zip(before, network.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new)
    path = export_tflite(network, tmp_path / "a.tflite", "int8", IMAGES)
    file = centred(open_model(path).predict(IMAGES))
    floats = centred(softmax(whole))
    answers = centred(softmax(simulated.predict(IMAGES, verbose=0)))
    harm = np.abs(file - floats).mean()
    assert harm > 0.1 * floats.std()
    assert np.abs(answers - file).mean() < 0.5 * harm


def test_it_shares_the_weights_and_folds_what_the_converter_folds():
    network = models.build("wrn_10_1", 3, (16, 16, 3))
    simulated = simulate_int8(network)
    assert {id(v) for v in simulated.trainable_variables} == {
        id(v) for v in network.trainable_variables
    }
    folded = {
        layer.layer.name: layer.norm.name
        for layer in simulated.layers
        if isinstance(layer, IntegerWeights) and layer.norm is not None
    }
    # Of a pre-activation block only the first convolution is followed by its
    # normalisation alone.
    assert folded == {
        f"group{i}_block1_conv1": f"group{i}_block1_2_bn" for i in (1, 2, 3)
    }
    alone = [
        layer.norm.name
        for layer in simulated.layers
        if isinstance(layer, IntegerNormalisation)
    ]
    assert len(alone) == 4 and not {*alone} & {*folded.values()}


def test_every_kind_of_layer():
    """Layers called twice, a model inside, depthwise, other activations."""
    inner = keras.Sequential(
        [keras.Input((8, 8, 4)), keras.layers.Conv2D(4, 1)], name="inner"
    )
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="swish")(inputs)
    x = keras.layers.ZeroPadding2D(1)(x)
    x = inner(x)
    twice = keras.layers.Conv2D(4, 1)
    x = keras.layers.BatchNormalization()(twice(twice(x)))
    x = keras.layers.DepthwiseConv2D(3, 2, use_bias=False)(x)
    x = keras.layers.BatchNormalization(scale=False, center=False)(x)
    x = keras.layers.Activation("relu6")(x)
    x = keras.ops.mean(x, axis=(1, 2)) * 2.0
    network = keras.Model(inputs, keras.layers.Dense(3)(x))
    simulated = simulate_int8(network)
    images = IMAGES[:8, :8, :8].astype("float32") / 255
    simulated(images, training=True)
    expected = network.predict(images, verbose=0)
    answers = simulated.predict(images, verbose=0)
    np.testing.assert_allclose(
        answers, expected, atol=0.1 * expected.std() + 0.02
    )
    assert not np.array_equal(answers, expected)


def test_a_kernel_is_rounded_with_its_normalisation():
    inputs = keras.Input((4, 4, 3))
    conv = keras.layers.Conv2D(2, 1, use_bias=False)
    norm = keras.layers.BatchNormalization()
    network = keras.Model(inputs, norm(conv(inputs)))
    scale = np.float32([0.01, 5.0])
    norm.gamma.assign(scale)
    norm.beta.assign([0.1, -0.2])
    norm.moving_mean.assign([0.3, 0.4])
    (layer,) = [
        each
        for each in simulate_int8(
            keras.Model(inputs, keras.layers.Flatten()(network.output))
        ).layers
        if isinstance(each, IntegerWeights)
    ]
    images = (
        np.random.default_rng(1).normal(size=(2, 4, 4, 3)).astype("float32")
    )
    factor = scale / np.sqrt(1 + norm.epsilon)
    kernel = np.array(fake_quantise_kernel(np.array(conv.kernel) * factor))
    expected = (
        images @ kernel[0, 0] + [0.1, -0.2] - np.float32([0.3, 0.4]) * factor
    )
    np.testing.assert_allclose(layer(images), expected, atol=1e-5)


def test_a_network_without_anything_to_round():
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(ValueError, match="functional network of convolutions"):
        simulate_int8(network)
