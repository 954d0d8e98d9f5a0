"""Batch normalisation in one operation: what Keras's own computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.distillers import Distiller
from keras_artkd.layers import BatchNormalization

SHAPE = (6, 5, 4, 3)


def pair(shape=SHAPE, **options):
    """This layer and Keras's, of the same weights."""
    random = np.random.default_rng(0)
    weights = random.uniform(0.5, 1.5, (4, SHAPE[-1])).astype("float32")
    found = []
    for cls in (BatchNormalization, keras.layers.BatchNormalization):
        layer = cls(momentum=0.8, epsilon=1e-5, **options)
        layer.build(shape)
        layer.set_weights(list(weights))
        found.append(layer)
    return found


def images(shape=SHAPE):
    random = np.random.default_rng(1)
    return random.normal(3.0, 2.0, shape).astype("float32")


def outcome(layer, inputs, training):
    """Outputs, gradients at input and weights, and the weights after it."""
    inputs = tf.constant(inputs)
    weight = np.random.default_rng(2).normal(size=inputs.shape)
    with tf.GradientTape() as tape:
        tape.watch([inputs, layer.gamma.value, layer.beta.value])
        outputs = layer(inputs, training=training)
        loss = tf.reduce_sum(tf.cast(outputs, "float32") * weight)
    watched = [inputs, layer.gamma.value, layer.beta.value]
    gradients = tape.gradient(loss, watched)
    tensors = [outputs, *gradients, *layer.get_weights()]
    return [tf.cast(tensor, "float32").numpy() for tensor in tensors]


def operations(layer, training, dtype="float32"):
    @tf.function
    def call(inputs):
        return layer(inputs, training=training)

    graph = call.get_concrete_function(tf.TensorSpec(SHAPE, dtype)).graph
    return [operation.type for operation in graph.get_operations()]


def errors(layer, inputs, training, trainable):
    """How far everything is from Keras's in float32."""
    exact = outcome(pair(trainable=trainable)[1], inputs, training)
    found = outcome(layer, inputs, training)
    return [
        np.abs(value - right).max()
        for value, right in zip(found, exact, strict=True)
    ]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("trainable", [True, False])
def test_it_computes_what_keras_computes(training, trainable):
    """Outputs, gradients, and the statistics that are kept."""
    ours, keras_own = pair(trainable=trainable)
    for own, expected in zip(
        outcome(ours, images(), training),
        outcome(keras_own, images(), training),
        strict=True,
    ):
        np.testing.assert_allclose(own, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("trainable", [True, False])
def test_it_is_as_near_to_float32_as_keras_is(dtype, training, trainable):
    ours, keras_own = pair(dtype=dtype, trainable=trainable)
    assert ours(images(), training=training).dtype == dtype[len("mixed_") :]
    ours, _ = pair(dtype=dtype, trainable=trainable)
    for own, of_keras in zip(
        errors(ours, images(), training, trainable),
        errors(keras_own, images(), training, trainable),
        strict=True,
    ):
        assert own <= 2 * of_keras + 1e-3


@pytest.mark.parametrize("count", [1, 2])
def test_statistics_of_few_values(count):
    """Keras's variance is the batch's own; that of one value is nil."""
    inputs = images((count, 1, 1, 3))
    ours, keras_own = pair()
    ours(inputs, training=True)
    keras_own(inputs, training=True)
    for own, expected in zip(
        ours.get_weights(), keras_own.get_weights(), strict=True
    ):
        np.testing.assert_allclose(own, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("policy", "dtype", "training"),
    [
        ("float32", "float32", True),
        ("float32", "float32", False),
        ("mixed_bfloat16", "bfloat16", True),
        ("mixed_bfloat16", "bfloat16", False),
        ("mixed_float16", "float16", True),
    ],
)
def test_it_is_one_operation(policy, dtype, training):
    layer, _ = pair(dtype=policy)
    assert operations(layer, training, dtype).count("FusedBatchNormV3") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "float64"},
        {"dtype": "float16"},
        {"dtype": "bfloat16"},
        {"axis": 1},
        {"renorm": True},
        {"scale": False},
        {"center": False},
        {"synchronized": True},
    ],
)
def test_elsewhere_it_is_keras_s_own(change):
    layer = BatchNormalization(**{"dtype": "mixed_bfloat16", **change})
    layer.build(SHAPE)
    dtype = change.get("dtype", "bfloat16")
    assert "FusedBatchNormV3" not in operations(layer, True, dtype)


@pytest.mark.parametrize("compiled", [False, True])
def test_channels_that_hardly_differ(compiled):
    """Their variance is small beside the square of their mean."""
    noise = np.random.default_rng(3).normal(0, 0.01, SHAPE)
    inputs = (50 + noise).astype("float32")
    layer, keras_own = pair()
    layer.fused = not compiled

    @tf.function(jit_compile=compiled)
    def call(inputs):
        return layer(inputs, training=True)

    expected = keras_own(inputs, training=True)
    np.testing.assert_allclose(call(inputs), expected, atol=0.05)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_distiller_leaves_it_to_the_compiler(compiled):
    inputs = keras.Input(SHAPE[1:])
    x = keras.layers.Flatten()(BatchNormalization(name="norm")(inputs))
    distiller = Distiller(keras.Model(inputs, keras.layers.Dense(2)(x)))
    distiller.compile("sgd", jit_compile=compiled)
    assert distiller.student.get_layer("norm").fused == (not compiled)


def test_vectors_and_masks():
    ours, keras_own = pair((6, 3), dtype="mixed_bfloat16")
    vectors = images((6, 3))
    np.testing.assert_allclose(
        ours(vectors, training=True), keras_own(vectors, training=True)
    )
    ours, keras_own = pair(dtype="mixed_bfloat16")
    mask = np.arange(np.prod(SHAPE[:3])).reshape(SHAPE[:3]) % 3 > 0
    np.testing.assert_allclose(
        ours(images(), training=True, mask=mask),
        keras_own(images(), training=True, mask=mask),
    )


def test_a_network_is_saved_and_read(tmp_path):
    """Under the name and with the weights that Keras's own layer has."""
    networks = []
    for cls in (BatchNormalization, keras.layers.BatchNormalization):
        keras.utils.clear_session()
        inputs = keras.Input(SHAPE[1:])
        networks.append(keras.Model(inputs, cls()(inputs)))
    ours, keras_own = networks
    assert [w.path for w in ours.weights] == [w.path for w in keras_own.weights]
    ours(images(), training=True)
    ours.save(tmp_path / "network.keras")
    read = keras.models.load_model(tmp_path / "network.keras")
    assert type(read.layers[-1]) is BatchNormalization
    np.testing.assert_array_equal(read(images()), ours(images()))
    ours.save_weights(tmp_path / "network.weights.h5")
    keras_own.load_weights(tmp_path / "network.weights.h5")
    np.testing.assert_allclose(keras_own(images()), ours(images()), rtol=1e-5)
