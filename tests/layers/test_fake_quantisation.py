"""Rounding to 8 bits against its definition in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_artkd.layers.fake_quantisation import (
    FakeQuantisation,
    fake_quantise,
    fake_quantise_constant,
    fake_quantise_kernel,
)

RANDOM = np.random.default_rng(0)


def gradient_of(function, x):
    """The gradient of a weighted sum of the answers, and the weights."""
    x = tf.constant(x, "float32")
    weights = RANDOM.normal(size=x.shape).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(function(x) * weights)
    return tape.gradient(total, x).numpy(), weights


def reference_kernel(kernel):
    """int8 in [-127, 127], a step by channel, halves to even."""
    kernel = np.asarray(kernel, "float64")
    step = np.abs(kernel).max((0, 1, 2)) / 127
    return np.round(kernel / step) * step


def reference_activations(x, low, high):
    """uint8 in [0, 255], a step by tensor, zero moved to a whole number."""
    step = (high - low) / 255
    zero = np.clip(np.round(-low / step), 0, 255)
    whole = np.clip(
        np.floor(np.asarray(x, "float64") / step + zero + 0.5), 0, 255
    )
    return (whole - zero) * step, (-zero * step, (255 - zero) * step)


def test_weights_are_rounded_by_channel():
    scales = [1e-3, 1.0, 50.0]
    kernel = (RANDOM.normal(size=(3, 3, 4, 3)) * scales).astype("float32")
    answer = ops.convert_to_numpy(fake_quantise_kernel(kernel))
    np.testing.assert_allclose(
        answer / scales, reference_kernel(kernel) / scales, atol=1e-6
    )
    # Each channel has 255 steps of its own, and its largest weight is one.
    for channel in range(3):
        part, own = answer[..., channel], kernel[..., channel]
        assert np.abs(part).max() == pytest.approx(np.abs(own).max(), rel=1e-6)
        assert np.unique(part).size > 20


def test_the_gradient_of_weights_passes_straight_through():
    kernel = RANDOM.normal(size=(3, 3, 2, 4))
    gradient, weights = gradient_of(fake_quantise_kernel, kernel)
    np.testing.assert_array_equal(gradient, weights)


def test_a_channel_of_zeros():
    kernel = np.zeros((1, 1, 2, 2), "float32")
    kernel[..., 1] = 0.5
    np.testing.assert_allclose(fake_quantise_kernel(kernel), kernel)


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 3.0), (0.0, 6.0), (-2.5, 0.0), (-0.3, 0.01)]
)
def test_activations_are_rounded_in_a_range(low, high):
    x = RANDOM.uniform(low - 1, high + 1, (4, 5, 5, 3)).astype("float32")
    expected, (least, most) = reference_activations(x, low, high)
    step = (high - low) / 255
    answer = ops.convert_to_numpy(fake_quantise(x, low, high))
    # Half-way between steps float32 may go the other way.
    off = np.abs(answer - expected)
    assert (off < 1e-5).mean() > 0.99 and off.max() < 1.01 * step
    assert (
        ops.convert_to_numpy(fake_quantise(np.zeros(1, "float32"), low, high))
        == 0
    )
    gradient, weights = gradient_of(lambda x: fake_quantise(x, low, high), x)
    sure = (np.abs(x - least) > 1e-5) & (np.abs(x - most) > 1e-5)
    inside = (x >= least) & (x <= most)
    np.testing.assert_array_equal(
        gradient[sure], np.where(inside, weights, 0)[sure]
    )


def test_an_empty_range_answers_zero():
    answer = fake_quantise(np.float32([-1.0, 0.0, 1.0]), 0.0, 0.0)
    np.testing.assert_allclose(answer, 0.0, atol=1e-6)


def test_constants():
    x = np.float32([0.2, 0.9, 1.7])
    expected, _ = reference_activations(x, 0.0, 1.7)
    np.testing.assert_allclose(fake_quantise_constant(x), expected, atol=1e-6)
    gradient, weights = gradient_of(fake_quantise_constant, x)
    np.testing.assert_array_equal(gradient, weights)


def test_the_range_widens_at_once_and_narrows_slowly():
    layer = FakeQuantisation()
    wide, narrow = np.float32([[-1.0, 3.0]]), np.float32([[-0.5, 1.0]])
    layer(wide, training=True)
    assert (float(layer.low), float(layer.high)) == (-1.0, 3.0)
    layer(narrow, training=True)
    low, high = float(layer.low), float(layer.high)
    assert low == pytest.approx(-1 + 0.05 * 0.5)
    assert high == pytest.approx(3 - 0.05 * 2)
    # Nothing moves outside of the training.
    expected, _ = reference_activations(wide, low, high)
    np.testing.assert_allclose(layer(wide), expected, atol=1e-5)
    assert (float(layer.low), float(layer.high)) == (low, high)
    assert layer.trainable_weights == []
    assert keras.KerasTensor((None, 4)).shape == layer(keras.Input((4,))).shape
