"""Parts of networks, against NumPy."""

import keras
import numpy as np
import pytest

from keras_artkd.models import blocks
from tests.models.families import small
from tests.models.networks import images
from tests.models.reference import convolve


@pytest.mark.parametrize("kernel_size", [1, 3, 7])
@pytest.mark.parametrize("strides", [1, 2])
def test_conv_is_padded_on_both_sides(kernel_size, strides):
    inputs = keras.Input((8, 10, 3))
    outputs = blocks.apply_conv(inputs, 5, kernel_size, strides, name="c")
    model = keras.Model(inputs, outputs)
    x = np.random.default_rng(0).normal(size=(2, 8, 10, 3))
    (kernel,) = model.get_layer("c").get_weights()
    np.testing.assert_allclose(
        model(x), convolve(x, kernel, strides), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("strides", [1, 2])
def test_depthwise_conv(strides):
    inputs = keras.Input((8, 10, 4))
    outputs = blocks.apply_depthwise_conv(inputs, strides, name="c")
    model = keras.Model(inputs, outputs)
    x = np.random.default_rng(0).normal(size=(2, 8, 10, 4))
    (kernel,) = model.get_layer("c").get_weights()
    expected = [
        convolve(x[..., [c]], kernel[:, :, [c], :], strides) for c in range(4)
    ]
    np.testing.assert_allclose(
        model(x), np.concatenate(expected, axis=-1), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("pooling", "reduce"),
    [
        (keras.layers.MaxPooling2D, np.max),
        # The zeros around the map count, as in PyTorch.
        (keras.layers.AveragePooling2D, np.mean),
    ],
)
def test_pool(pooling, reduce):
    inputs = keras.Input((6, 8, 2))
    model = keras.Model(inputs, blocks.apply_pool(inputs, pooling, name="p"))
    x = np.random.default_rng(0).uniform(size=(1, 6, 8, 2))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = [
        [
            reduce(padded[:, i : i + 3, j : j + 3], axis=(1, 2))
            for j in range(0, 8, 2)
        ]
        for i in range(0, 6, 2)
    ]
    expected = np.array(expected).transpose(2, 0, 1, 3)
    np.testing.assert_allclose(model(x), expected, rtol=1e-5)


def test_initialisation_is_he_fan_out():
    """Of depthwise kernels too, by PyTorch's count: 9 x channels."""
    inputs = keras.Input((4, 4, 480))
    x = blocks.apply_depthwise_conv(inputs, name="depthwise")
    model = keras.Model(inputs, blocks.apply_conv(x, 128, 3, name="full"))
    kernel = model.get_layer("depthwise").get_weights()[0]
    assert kernel.shape == (3, 3, 480, 1)
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / (9 * 480)), rel=0.05)
    kernel = model.get_layer("full").get_weights()[0]
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / (9 * 128)), rel=0.02)


def test_stem_by_size():
    assert blocks.choose_stem("auto", (95, 200, 3)) == "small"
    assert blocks.choose_stem("auto", (96, 200, 3)) == "imagenet"
    assert blocks.choose_stem("imagenet", (64, 64, 3)) == "imagenet"
    assert blocks.choose_stem("small", (224, 224, 3)) == "small"
    with pytest.raises(ValueError, match="'auto', 'small' or.*'tiny'"):
        blocks.choose_stem("tiny", (64, 64, 3))


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("dianet", 12),
        ("densenet121", 12),
        ("san10", 12),
        ("mobilenet_v2", 3),
        # Of two stages.
        ("shufflenet_v1", 6),
        ("shufflenet_v2", 6),
    ],
)
def test_large_images_have_the_imagenet_stem(name, side):
    with keras.StatelessScope():
        model = small(name, 3, 96)
    assert model.endpoints["features"].shape[1:3] == (side, side)
    assert model.stem == "auto"


@pytest.mark.parametrize(
    ("name", "size"), [("dianet", 8), ("mobilenet_v2", 32)]
)
def test_an_explicit_imagenet_stem_allows_one_pixel(name, size):
    with keras.StatelessScope():
        model = small(name, 3, size, stem="imagenet")
    assert model.endpoints["features"].shape[1:3] == (1, 1)


def test_imagenet_stem_pools_what_is_positive():
    """Padded with zeros, the maximum is PyTorch's only after a ReLU."""
    inputs = keras.Input((32, 32, 3))
    x = blocks.apply_imagenet_stem(inputs, 8, 7)
    model = keras.Model(inputs, x)
    values = np.array(model(images(1) - 127.5))
    assert values.shape == (1, 8, 8, 8)
    activated = keras.Model(inputs, model.get_layer("stem_relu").output)
    windows = np.array(activated(images(1) - 127.5))
    np.testing.assert_array_equal(
        values[:, 1, 1], windows[:, 1:4, 1:4].max(axis=(1, 2))
    )
    np.testing.assert_array_equal(
        values[:, 0, 0], windows[:, :2, :2].max(axis=(1, 2))
    )
