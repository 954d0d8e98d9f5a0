"""FRSKD's self-teacher, BiFPNc."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.models import build, with_endpoints, with_exits
from keras_artkd.models.endpoints import group_names
from tests.models.networks import (
    count_trainable,
    described,
    endpoint_values,
    images,
    perturbed,
)

EPSILON = 1e-6


def count_self_teacher(channels, num_classes):
    """Trainable parameters by formula, of maps with these channels."""

    def convolution(before, after):
        return before * after + 2 * after

    wide = [2 * c for c in channels]
    # Two depthwise separable convolutions of as many channels.
    units = [2 * (9 * w + convolution(w, w)) for w in wide]
    laterals = [convolution(c, 2 * c) for c in channels]
    count = sum(laterals) + sum(laterals[1:]) + sum(units[:-1] + units[1:])
    for shallow, deep in zip(wide, wide[1:], strict=False):
        count += convolution(deep, shallow) + convolution(shallow, deep)
    # Weights of two maps on the way up, of three and last two on that down.
    steps = len(channels) - 1
    count += 2 * steps + 3 * (steps - 1) + 2
    return count + wide[-1] * num_classes + num_classes


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("resnet8", (16, 32, 64)),
        ("resnet18", (64, 128, 256, 512)),
        ("wrn_16_2", (32, 64, 128)),
    ],
)
def test_parameters(name, channels):
    network = described(name)
    with keras.StatelessScope():
        model = with_exits(network, "frskd")
    added = sum(count_trainable(layer) for layer in model.exit_layers)
    assert added == count_self_teacher(channels, 100)
    assert count_trainable(model) == count_trainable(network) + added
    if name == "wrn_16_2":
        # FRSKD's table 6: 0.59 times the classifier's, at 256 channels.
        assert round(added / count_trainable(network), 2) == 0.59


def relu(x):
    return np.maximum(x, 0)


class Reference:
    """BiFPNc's layer in NumPy, map by map, from the weights of a model."""

    def __init__(self, model):
        self.weights = {
            layer.name: [w.astype("float64") for w in layer.get_weights()]
            for layer in model.exit_layers
        }

    def project(self, x, name):
        gamma, beta, mean, variance = self.weights[f"{name}_bn"]
        x = x @ self.weights[f"{name}_conv"][0][0, 0]
        return relu(gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta)

    def unit(self, x, name):
        for i in (1, 2):
            (kernel,) = self.weights[f"{name}_{i}_depthwise_conv"]
            height, width = x.shape[1:3]
            padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
            x = sum(
                padded[:, r : r + height, c : c + width] * kernel[r, c, :, 0]
                for r in range(3)
                for c in range(3)
            )
            x = self.project(x, f"{name}_{i}")
        return x

    def fuse(self, maps, name):
        weights = relu(self.weights[f"{name}_fusion"][0])
        assert len(weights) == len(maps)
        weights = weights / (weights.sum() + EPSILON)
        total = sum(w * x for w, x in zip(weights, maps, strict=True))
        return self.unit(total, name)

    def up(self, x, name):
        x = x.repeat(2, axis=1).repeat(2, axis=2)
        return self.project(x, f"{name}_upsampled")

    def down(self, x, name):
        # The padding is at the end: maps are after a ReLU, so zeros will do.
        height, width = x.shape[1:3]
        padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
        x = np.max(
            [
                padded[:, r : r + height : 2, c : c + width : 2]
                for r in range(3)
                for c in range(3)
            ],
            axis=0,
        )
        return self.project(x, f"{name}_downsampled")

    def __call__(self, x1, x2, x3):
        x1, x2, x3 = relu(x1), relu(x2), relu(x3)
        up3 = self.project(x3, "refined3_lateral")
        up2 = self.fuse(
            [
                self.project(x2, "refined2_lateral"),
                self.up(up3, "refined2"),
            ],
            "refined2_up",
        )
        up1 = self.fuse(
            [
                self.project(x1, "refined1_lateral"),
                self.up(up2, "refined1"),
            ],
            "refined1_up",
        )
        down2 = self.fuse(
            [
                self.project(x2, "refined2_down_lateral"),
                up2,
                self.down(up1, "refined2"),
            ],
            "refined2_down",
        )
        down3 = self.fuse(
            [
                self.project(x3, "refined3_down_lateral"),
                self.down(down2, "refined3"),
            ],
            "refined3_down",
        )
        kernel, bias = self.weights["refined_logits"]
        logits = down3.mean((1, 2)) @ kernel + bias
        return up1, down2, down3, logits


def test_equals_numpy():
    """Of a wide ResNet's groups after normalisation and ReLU."""
    model = with_exits(build("wrn_10_1", 4, (16, 16, 3)), "frskd")
    values = endpoint_values(perturbed(model), images(2, 16))
    groups = [values[f"activated{i}"].astype("float64") for i in (1, 2, 3)]
    assert min(values[f"group{i}"].min() for i in (1, 2, 3)) < 0
    np.testing.assert_allclose(groups[2], values["features"], atol=1e-6)
    expected = Reference(model)(*groups)
    names = ("refined1", "refined2", "refined3", "refined_logits")
    for name, reference in zip(names, expected, strict=True):
        scale = np.abs(reference).max()
        np.testing.assert_allclose(
            values[name] / scale, reference / scale, atol=1e-5, err_msg=name
        )
        assert np.ptp(values[name]) > 0


def test_gradients_reach_the_network():
    network = build("resnet8", 4, (16, 16, 3))
    model = with_exits(network, "frskd")
    endpoints = keras.Model(model.inputs[0], model.endpoints)
    head = {id(v) for v in network.get_layer("logits").variables}
    reached = [v for v in model.trainable_variables if id(v) not in head]
    with tf.GradientTape() as tape:
        values = endpoints(images(4, 16), training=True)
        loss = tf.reduce_mean(tf.square(values["refined_logits"]))
    gradients = tape.gradient(loss, [v.value for v in reached])
    for variable, gradient in zip(reached, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.any(np.array(gradient)), variable.path


def test_mixed_precision():
    network = build("resnet8", 4, (16, 16, 3), dtype="mixed_bfloat16")
    model = with_exits(network, "frskd")
    dtypes = {name: x.dtype for name, x in model.endpoints.items()}
    assert dtypes["refined1"] == dtypes["refined3"] == "bfloat16"
    assert dtypes["refined_logits"] == dtypes["logits"] == "float32"
    assert {v.dtype for v in model.weights} == {"float32"}
    # The same weights in float32: to the precision of bfloat16.
    full = with_exits(build("resnet8", 4, (16, 16, 3)), "frskd")
    full.set_weights(model.get_weights())
    x = images(2, 16)
    np.testing.assert_allclose(
        endpoint_values(model, x)["refined_logits"],
        endpoint_values(full, x)["refined_logits"],
        atol=0.05,
    )


def strided_model(strides, shape=(24, 24, 3)):
    """A group for each of the strides."""
    inputs = x = keras.Input(shape)
    names = {}
    for i, stride in enumerate(strides, start=1):
        x = keras.layers.Conv2D(i, 3, stride, "same", name=f"conv{i}")(x)
        names[f"group{i}"] = f"conv{i}"
    x = keras.layers.GlobalAveragePooling2D()(x)
    return with_endpoints(keras.Model(inputs, keras.layers.Dense(3)(x)), names)


@pytest.mark.parametrize(
    "strides", [(1, 1), (1, 3, 1), (2, 4, 3), (1, (2, 1), (1, 3))]
)
def test_ratios(strides):
    """Of one the maps stay as they are, of others they are resized."""
    network = strided_model(strides)
    model = with_exits(network, "frskd")
    values = endpoint_values(model, images(2, 24))
    for group in group_names(network):
        refined = values[group.replace("group", "refined")]
        assert refined.shape[:3] == values[group].shape[:3]
        assert np.isfinite(refined).all()
    resizing = ("UpSampling2D", "MaxPooling2D")
    found = [type(x).__name__ for x in model.exit_layers]
    resized = sum(stride != 1 for stride in strides[1:])
    assert [found.count(name) for name in resizing] == [resized, resized]


def test_every_pixel_goes_down():
    """Where a map is four times smaller its window is no narrower."""
    model = with_exits(strided_model((1, 4)), "frskd")
    pooling = next(
        x for x in model.exit_layers if x.name == "refined2_downsampling"
    )
    for place in range(24):
        x = np.zeros((1, 24, 24, 2), "float32")
        x[0, place, place] = 1.0
        assert np.array(pooling(x)).sum() >= 1.0


def test_sizes_that_do_not_fit():
    # 30, 15 and 8 pixels.
    with pytest.raises(ValueError, match=r"\(15, 15\), \(8, 8\).*Fix"):
        with_exits(build("resnet8", 4, (30, 30, 3)), "frskd")
    inputs = x = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, 2, name="small")(x)
    x = keras.layers.UpSampling2D(2, name="large")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    named = with_endpoints(model, {"group1": "small", "group2": "large"})
    with pytest.raises(ValueError, match=r"\(3, 3\), \(6, 6\)"):
        with_exits(named, "frskd")
