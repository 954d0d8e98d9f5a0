"""Promises of every class of networks, on small ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import models
from keras_artkd.layers import AWGram
from keras_artkd.models.endpoints import group_names
from tests.contract import check_config
from tests.models.families import (
    CLASSES,
    FAMILIES,
    built_small,
    shallow,
    small,
)
from tests.models.networks import (
    endpoint_values,
    images,
    saved_and_loaded,
    shapes,
)


def exhaustive_except(*names):
    """The classes, of which all but these say little more than they."""
    return [
        name
        if name in names
        else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in CLASSES
    ]


@pytest.mark.parametrize("name", CLASSES)
def test_groups_and_features(name):
    model = built_small(name)
    values = endpoint_values(model, images(2))
    for group in group_names(model):
        before = values[group.replace("group", "preactivation")]
        assert before.min() < 0
        expected = {
            "activated": np.maximum(before, 0),
            "linear": before,
            # Normalised otherwise; the family's own tests say how.
            "raw": values[group],
        }
        np.testing.assert_array_equal(
            values[group], expected[FAMILIES[name].group_is]
        )
    assert values["features"].min() == 0
    pooled = values["features"].mean(axis=(1, 2))
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(
        values["logits"], pooled @ kernel + bias, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", CLASSES)
def test_takes_raw_pixels(name):
    """A grey is zero to the network: its first convolution's output is."""
    model = built_small(name)
    convolution = next(
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    )
    stem = keras.Model(model.inputs[0], convolution.output)
    grey = np.full((1, 32, 32, 3), FAMILIES[name].grey)
    np.testing.assert_allclose(stem(grey), 0.0, atol=1e-4)


# ConvNeXt's own tests save a smaller one.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.exhaustive)
        if name == "convnext_tiny"
        else name
        for name in FAMILIES
    ],
)
def test_saving(name, tmp_path):
    model = built_small(name)
    with shallow():
        restored = saved_and_loaded(model, images(2), tmp_path / "m.keras")
    assert list(restored.endpoints) == list(model.endpoints)


@pytest.mark.parametrize("name", CLASSES)
def test_registered_name(name):
    """Files have it: it must stay."""
    cls = CLASSES[name]
    registered = keras.saving.get_registered_name(cls)
    assert registered == f"keras_artkd>{cls.__name__}"


@pytest.mark.parametrize("name", CLASSES)
def test_config(name):
    arguments = {
        **FAMILIES[name].config,
        "num_classes": 4,
        # Not as they are attributes: Keras's own of these names differ.
        "input_shape": [64, 80, 3],
        "dtype": keras.DTypePolicy("mixed_bfloat16"),
        "head": "awgram",
        "head_inputs": ("group2",),
        "trainable": False,
        "name": "small",
    }
    network = CLASSES[name]
    # Shapes and names of weights are enough.
    with shallow(), keras.StatelessScope():
        model = network(**arguments)
        check_config(model, **arguments)
        restored = network.from_config(model.get_config())
    assert not restored.trainable_variables
    assert restored.dtype_policy.name == "mixed_bfloat16"
    dtypes = {k: v.dtype for k, v in models.get_endpoints(restored).items()}
    assert dtypes.pop("logits") == "float32"
    assert set(dtypes.values()) == {"bfloat16"}
    convolutions = [
        layer for layer in restored.layers if hasattr(layer, "kernel_size")
    ]
    assert {layer.dtype_policy.name for layer in convolutions} == {
        "mixed_bfloat16"
    }
    assert shapes(restored) == shapes(model)
    assert [v.path for v in restored.weights] == [v.path for v in model.weights]


@pytest.mark.parametrize("name", CLASSES)
def test_one_step_trains_every_weight(name):
    model = small(name)
    end = FAMILIES[name].cancelled or "none"
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(0.01)
    x, y = images(8), np.arange(8)
    before = [w.numpy() for w in model.weights]
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=True))
    variables = model.trainable_variables
    gradients = tape.gradient(value, [v.value for v in variables])
    optimizer.apply(gradients, variables)
    assert np.isfinite(value)
    for variable, gradient in zip(variables, gradients, strict=True):
        size = float(tf.norm(gradient))
        if variable.path.endswith(end):
            assert size < 1e-4, variable.path
        else:
            assert 1e-5 < size < np.inf, variable.path
    for weight, old in zip(model.weights, before, strict=True):
        assert np.isfinite(weight).all()
        cancelled = weight.path.endswith(end)
        assert cancelled or np.any(weight != old), weight.path


# The others are made of nothing but layers, as the first.
@pytest.mark.parametrize(
    "name",
    exhaustive_except("resnet8", "dianet", "san10", "shufflenet_v1"),
)
def test_half_precision(name):
    model = small(name, 3, dtype="mixed_float16")
    values = keras.Model(model.inputs[0], models.get_endpoints(model))(
        images(2)
    )
    assert values["logits"].dtype == "float32"
    for endpoint in ("group1", "preactivation2", "features"):
        assert values[endpoint].dtype == "float16"
    assert np.isfinite(values["logits"]).all()


@pytest.mark.parametrize("name", exhaustive_except("resnet8", "densenet121"))
def test_awgram_head(name):
    model = small(
        name, 3, head=AWGram("none"), head_inputs=("group1", "group2")
    )
    widths = [model.endpoints[k].shape[-1] for k in ("group1", "group2")]
    assert model.get_layer("logits").kernel.shape == (np.prod(widths), 3)
    assert np.isfinite(model(images(1))).all()
