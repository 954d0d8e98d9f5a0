import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.models import SAN
from keras_artkd.models.san import apply_attention
from tests.models.networks import Family, images, perturbed
from tests.models.reference import normalise, relu

SMALL = {"num_classes": 3, "num_blocks": (1, 1, 1), "filters": (32, 32, 64)}
FAMILY = Family(
    # The authors'.
    parameters={
        "san10": 8_687_748,
        "san15": 12_221_336,
        "san19": 15_752_056,
        "san10_patchwise": 9_997_024,
        "san15_patchwise": 14_337_210,
        "san19_patchwise": 18_674_370,
    },
    groups={
        name: ((32, 32, 256), (16, 16, 512), (8, 8, 1024), (4, 4, 2048))
        for name in ("san10", "san10_patchwise")
    },
    small={"num_blocks": (1, 1, 1), "filters": (32, 32, 64)},
    config={
        "num_blocks": (1, 1, 1),
        "filters": (32, 32, 64),
        "stem": "imagenet",
        "attention": "patchwise",
    },
    smallest={"auto": 16, "imagenet": 64},
    # By the attention's difference or softmax, too.
    cancelled="conv/bias",
    # Measured on the whole network, untrained: 0.88.
    int8_correlation=0.8,
)


class Attention:
    """An attention of random weights, and its parts in NumPy."""

    height, width, filters = 3, 5, 16

    def __init__(self, kernel_size, kind):
        inputs = keras.Input((self.height, self.width, 64))
        self.model = perturbed(
            keras.Model(
                inputs, apply_attention(inputs, kernel_size, kind, name="a")
            )
        )
        self.kernel_size = kernel_size
        shape = (2, self.height, self.width, 64)
        self.x = np.random.default_rng(0).normal(size=shape)

    def weights(self, layer):
        values = self.model.get_layer(f"a_{layer}").get_weights()
        return [value.astype("float64") for value in values]

    def conv(self, x, part):
        kernel, *bias = self.weights(f"{part}_conv")
        return x @ kernel[0, 0] + sum(bias)

    def gamma(self, x):
        for part in ("gamma1", "gamma2"):
            x = relu(normalise(x, self.weights(f"{part}_bn")))
            x = self.conv(x, part)
        return x

    def reflected(self, x):
        pad = self.kernel_size // 2
        widths = ((0, 0), (pad, pad), (pad, pad), (0, 0))
        return np.pad(x, widths, mode="reflect")

    def check(self, weigh):
        """Compares with sums over windows; `weigh(i, j, window)` weighs."""
        values = self.reflected(self.conv(self.x, "value"))
        expected = np.empty((2, self.height, self.width, self.filters))
        for i in range(self.height):
            for j in range(self.width):
                rows = slice(i, i + self.kernel_size)
                columns = slice(j, j + self.kernel_size)
                window = np.s_[:, rows, columns]
                # Every other channel has the same weight.
                weight = np.tile(weigh(i, j, window), 8)
                expected[:, i, j] = (weight * values[window]).sum(axis=(1, 2))
        output = self.model(self.x)
        assert output.shape == expected.shape
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_pairwise_attention_equals_the_equations(kernel_size):
    """Where the footprint is larger than the map, it is reflected again."""
    attention = Attention(kernel_size, "pairwise")
    x, conv = attention.x, attention.conv
    columns, rows = np.meshgrid(
        np.linspace(-1, 1, x.shape[2]), np.linspace(-1, 1, x.shape[1])
    )
    position = conv(np.stack([columns, rows], axis=-1), "position")
    position = np.broadcast_to(position, (*x.shape[:3], 2))
    phi = np.concatenate([conv(x, "phi"), position], axis=-1)
    psi = np.concatenate([conv(x, "psi"), position], axis=-1)
    psi = attention.reflected(psi)

    def weigh(i, j, window):
        difference = phi[:, i : i + 1, j : j + 1] - psi[window]
        weight = np.exp(attention.gamma(difference))
        return weight / weight.sum(axis=(1, 2), keepdims=True)

    attention.check(weigh)


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_patchwise_attention_equals_the_equations(kernel_size):
    attention = Attention(kernel_size, "patchwise")
    phi = attention.conv(attention.x, "phi")
    psi = attention.reflected(attention.conv(attention.x, "psi"))

    def weigh(i, j, window):
        # Columns, then rows, then channels: the order of `footprints`.
        around = psi[window].swapaxes(1, 2).reshape(2, -1)
        weight = attention.gamma(np.concatenate([phi[:, i, j], around], -1))
        weight = weight.reshape(2, kernel_size, kernel_size, -1)
        return weight.swapaxes(1, 2)

    attention.check(weigh)


def test_patchwise_trains_every_weight():
    shape = (32, 32, 3)
    model = perturbed(SAN(**SMALL, input_shape=shape, attention="patchwise"))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(model(images(4), training=True)[:, 0])
    variables = model.trainable_variables
    for variable, gradient in zip(
        variables, tape.gradient(value, variables), strict=True
    ):
        # Constant in a map, so the next normalisation subtracts them.
        cancels = variable.path.endswith(
            ("phi_conv/bias", "psi_conv/bias", "block1_conv/bias")
        )
        size = float(tf.norm(gradient))
        assert (size < 1e-4) == cancels, (variable.path, size)


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("san10", 10.5),
        ("san15", 14.1),
        ("san19", 17.6),
        ("san10_patchwise", 11.8),
        ("san15_patchwise", 16.2),
        ("san19_patchwise", 20.5),
    ],
)
def test_published_parameters(name, millions):
    """For 1000 classes, https://github.com/hszhao/SAN."""
    count = FAMILY.parameters[name] + 900 * (2048 + 1)
    assert count / 1e6 == pytest.approx(millions, abs=0.05)


def test_imagenet_stem_pools_twice_more():
    sides = {}
    for stem in ("small", "imagenet"):
        model = SAN((1, 1, 1), 3, (16, 16, 3), (32, 32, 32), stem=stem)
        assert np.isfinite(model(images(1, 16))).all()
        sides[stem] = [model.endpoints[f"group{i}"].shape[1] for i in (1, 2)]
    assert sides == {"small": [16, 8], "imagenet": [4, 2]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_blocks": (1, 1)}, r"for each stage.*\(1, 1\).*\(32, 32, 64\)"),
        ({"num_blocks": (1,), "filters": (32,)}, "two or more"),
        ({"num_blocks": (1, 1, 0)}, r"at least 1.*\(1, 1, 0\)"),
        ({"filters": (32, 32, 48)}, r"multiples of 32.*48\)"),
        ({"filters": (32, 32, 0)}, "multiples of 32"),
        ({"attention": "own"}, "'pairwise' or 'patchwise'.*'own'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SAN(**{**SMALL, **arguments})
