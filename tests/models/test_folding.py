"""Normalisation within the convolution: the same values and gradients."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import models
from keras_artkd.layers import BatchNormalization
from keras_artkd.models import folding
from keras_artkd.models.folding import FoldedLayer, ZeroBias, fold

SHAPE = (16, 16, 3)
IMAGES = np.random.default_rng(0).uniform(0, 255, (4, *SHAPE)).astype("f4")


def every_kind():
    """Convolutions of every kind with normalisation, and some without it."""
    inputs = keras.Input(SHAPE)
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for name, layer in (
        ("plain", keras.layers.Conv2D(8, 3, strides=2, padding="same")),
        ("biased", keras.layers.Conv2D(8, 3, bias_initializer="ones")),
        ("depthwise", keras.layers.DepthwiseConv2D(3, depth_multiplier=2)),
        ("grouped", keras.layers.Conv2D(8, 1, groups=4)),
        ("active", keras.layers.Conv2D(8, 1, activation="relu")),
    ):
        layer.name = name
        x = BatchNormalization(name=f"{name}_bn")(layer(x))
    read_twice = keras.layers.Conv2D(8, 1, name="twice")(x)
    x = BatchNormalization(name="twice_bn")(read_twice)
    x = keras.layers.Add()([x, read_twice])
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(6, name="vector")(x)
    x = BatchNormalization(name="vector_bn", center=False)(x)
    return keras.Model(inputs, keras.layers.Dense(5)(x))


FOLDED = {"plain", "biased", "depthwise", "grouped", "vector"}


def with_statistics(network):
    """Weights as of a network that has learned: none is 0 or 1."""
    random = np.random.default_rng(1)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights(
                [random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()]
            )
    return network


def folded_names(network):
    return {x.layer.name for x in network.layers if isinstance(x, FoldedLayer)}


def gradients(network, variables, training):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(network(IMAGES, training=training) ** 2)
    return [loss, *tape.gradient(loss, [v.value for v in variables])]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_values_and_gradients():
    """What learns beside kept statistics gets the gradients it had."""
    network = with_statistics(every_kind())
    for layer in network.layers:
        layer.trainable = not layer.name.endswith("_bn")
    folded = fold(network.inputs[0], network.outputs[0], trained=True)
    assert folded_names(folded) == FOLDED
    variables = network.trainable_variables
    assert {id(v) for v in folded.trainable_variables} == {*map(id, variables)}
    for training in (True, False):
        assert_same(
            gradients(folded, variables, training),
            gradients(network, variables, training),
        )


def test_what_learns_is_not_folded():
    network = with_statistics(every_kind())
    network.get_layer("plain_bn").trainable = False
    folded = fold(network.inputs[0], network.outputs[0], trained=True)
    assert folded_names(folded) == {"plain"}
    # That of an answer alone is.
    whole = fold(network.inputs[0], network.outputs[0])
    assert folded_names(whole) == FOLDED
    np.testing.assert_allclose(
        whole(IMAGES), network(IMAGES), rtol=1e-4, atol=1e-5
    )


def test_what_comes_to_learn_is_not_folded_any_more():
    """The batch's statistics count, and the kept ones move as they did."""
    network = with_statistics(every_kind())
    network.trainable = False
    folded = fold(network.inputs[0], network.outputs[0], trained=True)
    network.trainable = True
    before = network.get_weights()
    expected = gradients(network, network.trainable_variables, True)
    moved = network.get_weights()
    network.set_weights(before)
    assert_same(gradients(folded, network.trainable_variables, True), expected)
    assert_same(network.get_weights(), moved)


@pytest.mark.parametrize(
    "make",
    [
        every_kind,
        lambda: models.build("wrn_10_1", 5, (32, 32, 3)),
        lambda: models.build("efficientnet_lite0_first3", 5, (32, 32, 3)),
    ],
)
def test_the_graph_it_was_made_of_stays_as_it_was(make, tmp_path):
    """It gives its layers' outputs, and is saved and read."""
    network = with_statistics(make())
    images = tf.image.resize(IMAGES, network.input_shape[1:3])
    expected = network(images)
    outputs = [layer.output for layer in network.layers]
    endpoints = dict(models.get_endpoints(network))
    folded = fold(network.inputs[0], endpoints)
    assert len(folded_names(folded)) > 2
    answers = folded(images)
    assert [*answers] == [*endpoints]
    np.testing.assert_allclose(
        answers["logits"], expected, rtol=1e-3, atol=1e-4
    )
    assert [layer.output for layer in network.layers] == outputs
    network.save(tmp_path / "network.keras")
    read = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(read(images), expected, rtol=1e-4, atol=1e-5)


class Standardised(keras.layers.Conv2D):
    """A convolution that does more than its kernel says."""

    def call(self, inputs):
        return super().call(inputs) * 2


def shared(inputs):
    norm = BatchNormalization()
    x = norm(keras.layers.Conv2D(3, 1)(inputs))
    return keras.layers.Add()([x, norm(keras.layers.ReLU()(x))])


def with_loss(inputs):
    x = keras.layers.Conv2D(3, 1, activity_regularizer="l2")(inputs)
    return BatchNormalization()(x)


def half(dtype):
    def make(inputs):
        x = keras.layers.Conv2D(3, 1, dtype=dtype)(inputs)
        return BatchNormalization(dtype=dtype)(x)

    return make


def mixed(inputs):
    x = keras.layers.Conv2D(3, 1, dtype="mixed_bfloat16")(inputs)
    return BatchNormalization(dtype="float32")(x)


def quantised(inputs):
    layer = keras.layers.Dense(3)
    x = layer(keras.layers.GlobalAveragePooling2D()(inputs))
    layer.quantize("int8")
    return BatchNormalization()(x)


@pytest.mark.parametrize(
    "make",
    [
        shared,
        with_loss,
        half("mixed_float16"),
        half("bfloat16"),
        mixed,
        quantised,
        lambda inputs: BatchNormalization()(Standardised(3, 1)(inputs)),
        lambda inputs: BatchNormalization(axis=1)(
            keras.layers.Conv2D(3, 1)(inputs)
        ),
    ],
)
def test_what_is_more_than_two_plain_layers_stays(make):
    inputs = keras.Input(SHAPE)
    network = with_statistics(keras.Model(inputs, make(inputs)))
    folded = fold(network.inputs[0], network.outputs[0])
    assert not folded_names(folded)
    np.testing.assert_allclose(folded(IMAGES), network(IMAGES), rtol=1e-5)


def test_layers_called_by_keyword():
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(3, 1)(inputs=inputs)
    network = with_statistics(
        keras.Model(inputs, BatchNormalization()(inputs=x))
    )
    folded = fold(network.inputs[0], network.outputs[0])
    assert len(folded_names(folded)) == 1
    np.testing.assert_allclose(folded(IMAGES), network(IMAGES), rtol=1e-3)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_bfloat16_is_rounded_once(policy, monkeypatch):
    """Weights are multiplied in float32, whatever the policy around them."""
    network = with_statistics(
        models.build("wrn_10_1", 5, (32, 32, 3), dtype="mixed_bfloat16")
    )
    exact = models.build("wrn_10_1", 5, (32, 32, 3))
    exact.set_weights(network.get_weights())
    seen = []
    multiply = folding.folded_weights

    def folded_weights(layer, norm):
        kernel = keras.ops.convert_to_tensor(layer.kernel)
        seen.append(keras.backend.standardize_dtype(kernel.dtype))
        return multiply(layer, norm)

    monkeypatch.setattr(folding, "folded_weights", folded_weights)
    keras.config.set_dtype_policy(policy)
    try:
        folded = fold(network.inputs[0], network.outputs[0])
    finally:
        keras.config.set_dtype_policy("float32")
    assert len(folded_names(folded)) > 2
    images = tf.image.resize(IMAGES, (32, 32))
    expected = exact(images)
    error = np.abs(folded(images) - expected).max()
    assert set(seen) == {"float32"}
    assert error < 2 * np.abs(network(images) - expected).max()


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_bias_of_zeros_for_each_sum(dtype, monkeypatch):
    """The values stay, and the network has no weight more."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    network = models.build("wrn_16_1", 5, (32, 32, 3), dtype=dtype)
    folded = fold(network.inputs[0], network.outputs[0], trained=True)
    biases = [x for x in folded.layers if isinstance(x, ZeroBias)]
    sums = [x for x in network.layers if isinstance(x, keras.layers.Add)]
    assert len(biases) == len(sums) == 6
    assert {*map(id, folded.weights)} == {*map(id, network.weights)}
    images = tf.image.resize(IMAGES, (32, 32))
    np.testing.assert_array_equal(
        folded(images, training=True), network(images, training=True)
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda x: keras.layers.Conv2D(3, 1)(x),
        lambda x: keras.layers.Conv2D(3, 1, use_bias=False, activation="relu")(
            x
        ),
        lambda x: Standardised(3, 1, use_bias=False)(x),
    ],
)
def test_no_bias_of_zeros_where_none_helps(make, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    inputs = keras.Input(SHAPE)
    network = keras.Model(inputs, keras.layers.Add()([make(inputs), inputs]))
    folded = fold(network.inputs[0], network.outputs[0])
    assert not any(isinstance(x, ZeroBias) for x in folded.layers)


def test_no_bias_of_zeros_without_onednn(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    network = models.build("wrn_10_1", 5, (32, 32, 3))
    folded = fold(network.inputs[0], network.outputs[0], trained=True)
    assert not any(isinstance(x, ZeroBias) for x in folded.layers)


# With the kernels of oneDNN, which the tests do without.
FUSES = """
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from keras_artkd import models
from keras_artkd.models.folding import fold

dtype, training = sys.argv[1], sys.argv[2] == "True"
network = models.build("wrn_16_1", 5, (32, 32, 3), dtype=dtype)
folded = fold(network.inputs[0], network.outputs[0], trained=True)
answer = tf.function(lambda images: folded(images, training=training))
images = tf.random.stateless_uniform((4, 32, 32, 3), (0, 1), maxval=255.0)
context.context().enable_run_metadata()
found = answer(images)
graphs = context.context().export_run_metadata().function_graphs
fused = [
    list(node.attr["fused_ops"].list.s)
    for graph in graphs
    for node in graph.post_optimization_graph.node
]
assert fused.count([b"BiasAdd", b"Add"]) == 6, fused
expected = network(images, training=training)
tolerance = 1e-4 if dtype == "float32" else 0.1
assert np.abs(found - expected).max() < tolerance * np.std(expected)
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("training", [False, True])
def test_tensorflow_computes_sums_with_their_convolutions(dtype, training):
    """As its optimised graph has it; without that nothing is gained."""
    command = [sys.executable, "-c", FUSES, dtype, str(training)]
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
