"""Both ShuffleNets and what they share."""

import keras
import numpy as np
import pytest

from keras_artkd.models import shufflenet_v1, shufflenet_v2
from keras_artkd.models.shuffle_blocks import (
    apply_grouped_pointwise,
    channel_shuffle,
)
from tests.models.networks import (
    built,
    count_trainable,
    endpoint_values,
    images,
)


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_channel_shuffle(groups):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 12)).astype("float32")
    per_group = 12 // groups
    order = [g * per_group + i for i in range(per_group) for g in range(groups)]
    np.testing.assert_array_equal(channel_shuffle(x, groups), x[..., order])


def test_grouped_pointwise_keeps_groups_apart():
    inputs = keras.Input((2, 3, 6))
    model = keras.Model(inputs, apply_grouped_pointwise(inputs, 9, 3, name="c"))
    # A third of what one convolution of all channels has.
    assert count_trainable(model) == 6 * 9 // 3
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 6))
    expected = [
        x[..., 2 * g : 2 * g + 2] @ model.get_layer(f"c{g + 1}").kernel[0, 0]
        for g in range(3)
    ]
    np.testing.assert_allclose(
        model(x), np.concatenate(expected, axis=-1), atol=1e-5
    )


def test_v1_appends_the_pooled_input_where_it_reduces():
    inputs = keras.Input((8, 8, 24))
    outputs, before = shufflenet_v1.apply_block(inputs, 240, 2, name="b")
    model = keras.Model(inputs, [outputs, before])
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 24))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    activated, values = (np.array(v) for v in model(x))
    assert values.shape == (1, 4, 4, 240)
    np.testing.assert_allclose(
        values[0, 2, 1, 216:], padded[0, 4:7, 2:5].mean(axis=(0, 1)), atol=1e-5
    )
    np.testing.assert_array_equal(activated, np.maximum(values, 0))
    # Of the stem's few channels one convolution is made.
    assert model.get_layer("b_reduce_conv").kernel.shape == (1, 1, 24, 54)


def test_v1_adds_the_input_where_it_does_not():
    inputs = keras.Input((4, 4, 240))
    _, before = shufflenet_v1.apply_block(inputs, 240, 1, name="b")
    model = keras.Model(inputs, before)
    model.get_layer("b_expand_bn").gamma.assign(np.zeros(240))
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 240))
    np.testing.assert_allclose(model(x), x, atol=1e-6)


def test_v2_passes_half_of_the_channels_on():
    inputs = keras.Input((4, 4, 8))
    outputs, before = shufflenet_v2.apply_block(inputs, name="b")
    model = keras.Model(inputs, [outputs, before])
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 8)).astype("float32")
    values, raw = (np.array(v) for v in model(x))
    # Shuffled: every other channel is of the first half.
    np.testing.assert_array_equal(values[..., ::2], x[..., :4])
    np.testing.assert_array_equal(raw[..., ::2], x[..., :4])
    np.testing.assert_array_equal(
        values[..., 1::2], np.maximum(raw[..., 1::2], 0)
    )
    assert raw[..., 1::2].min() < 0


def test_v2_groups_are_what_the_next_stage_reads():
    model = built("shufflenet_v2")
    x = images(2)
    reader = keras.Model(
        model.inputs[0], model.get_layer("group3_block1_1_conv").input
    )
    np.testing.assert_array_equal(
        endpoint_values(model, x)["group2"], reader(x)
    )
