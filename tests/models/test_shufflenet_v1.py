import keras
import numpy as np

from keras_artkd.models import shufflenet_v1
from tests.models.networks import Family

FAMILY = Family(
    # mdistiller's.
    parameters={"shufflenet_v1": 949_258},
    groups={"shufflenet_v1": ((16, 16, 240), (8, 8, 480), (4, 4, 960))},
    stages=((240, 2), (480, 1)),
    config={"stem": "imagenet"},
    smallest={"auto": 16, "imagenet": 64},
    # Measured on the whole network: 0.90, for untrained it tells images little
    # apart; above 0.997 after eight epochs on the stripes of
    # `tests.deploy.test_export`.
    int8_correlation=0.85,
)


def test_appends_the_pooled_input_where_it_reduces():
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


def test_adds_the_input_where_it_does_not():
    inputs = keras.Input((4, 4, 240))
    _, before = shufflenet_v1.apply_block(inputs, 240, 1, name="b")
    model = keras.Model(inputs, before)
    model.get_layer("b_expand_bn").gamma.assign(np.zeros(240))
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 240))
    np.testing.assert_allclose(model(x), x, atol=1e-6)
