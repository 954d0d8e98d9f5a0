"""Multiply-adds equal what the papers print, and a count by hand."""

import keras
import pytest

from keras_artkd import models
from keras_artkd.layers import AWGram
from keras_artkd.measure.cost import count_multiply_adds


@pytest.mark.parametrize(
    ("name", "size", "classes", "billions"),
    [
        # https://arxiv.org/abs/2201.03545, table 1.
        ("convnext_tiny", 224, 1000, 4.5),
        # The figures usual in the literature on distillation.
        ("wrn_40_2", 32, 100, 0.33),
        ("wrn_16_2", 32, 100, 0.10),
    ],
)
def test_published(name, size, classes, billions):
    model = models.build(name, classes, (size, size, 3))
    assert count_multiply_adds(model) / 1e9 == pytest.approx(billions, rel=0.02)


def test_by_hand():
    inputs = keras.Input((8, 8, 3))
    # 4 x 4 places, kernels of 3 x 3 x 3 x 10.
    x = keras.layers.Conv2D(10, 3, strides=2, padding="same")(inputs)
    # Same places: 3 x 3 for each of ten channels.
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    # 5 x 5 x 10 and 10 x 6, at 4 x 4 places.
    x = keras.layers.SeparableConv2D(6, 5, padding="same")(x)
    inner = keras.Sequential([keras.layers.GlobalAveragePooling2D()])
    logits = keras.layers.Dense(7)(inner(x))
    expected = 16 * 270 + 16 * 90 + 16 * (250 + 60) + 42
    assert count_multiply_adds(keras.Model(inputs, logits)) == expected


@pytest.mark.parametrize(
    ("correlation", "products"), [("none", 1), ("cosine", 2)]
)
def test_awgram(correlation, products):
    inputs = keras.Input((4, 4, 6))
    outputs = AWGram(correlation)(inputs)
    model = keras.Model(inputs, outputs)
    assert count_multiply_adds(model) == products * 16 * 6 * 6
