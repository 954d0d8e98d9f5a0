import keras
import numpy as np
import pytest

from keras_artkd.models import SAN
from keras_artkd.models.san import apply_attention
from tests.models.networks import Family, images, perturbed
from tests.models.reference import normalise, relu

FAMILY = Family(
    # The authors'.
    parameters={
        "san10": 8_687_748,
        "san15": 12_221_336,
        "san19": 15_752_056,
    },
    groups={
        "san10": ((32, 32, 256), (16, 16, 512), (8, 8, 1024), (4, 4, 2048))
    },
    small={"num_blocks": (1, 1, 1), "filters": (32, 32, 64)},
    config={
        "num_blocks": (1, 1, 1),
        "filters": (32, 32, 64),
        "stem": "imagenet",
    },
    smallest={"auto": 16, "imagenet": 64},
    # By the attention's difference or softmax, too.
    cancelled="conv/bias",
    # Measured on the whole network, untrained: 0.88.
    int8_correlation=0.8,
)


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_attention_equals_the_equations(kernel_size):
    """Where the footprint is larger than the map, it is reflected again."""
    height, width, filters = 3, 5, 16
    inputs = keras.Input((height, width, 64))
    model = perturbed(
        keras.Model(inputs, apply_attention(inputs, kernel_size, name="a"))
    )
    x = np.random.default_rng(0).normal(size=(2, height, width, 64))

    def weights(layer):
        return [
            w.astype("float64") for w in model.get_layer(layer).get_weights()
        ]

    def conv(x, part):
        kernel, *bias = weights(f"a_{part}_conv")
        return x @ kernel[0, 0] + sum(bias)

    def activated(x, part):
        return relu(normalise(x, weights(f"a_{part}_bn")))

    def reflected(x):
        pad = kernel_size // 2
        widths = ((0, 0), (pad, pad), (pad, pad), (0, 0))
        return np.pad(x, widths, mode="reflect")

    columns, rows = np.meshgrid(
        np.linspace(-1, 1, width), np.linspace(-1, 1, height)
    )
    position = conv(np.stack([columns, rows], axis=-1), "position")
    position = np.broadcast_to(position, (2, height, width, 2))
    phi = np.concatenate([conv(x, "phi"), position], axis=-1)
    psi = reflected(np.concatenate([conv(x, "psi"), position], axis=-1))
    values = reflected(conv(x, "value"))
    expected = np.empty((2, height, width, filters))
    for i in range(height):
        for j in range(width):
            window = np.s_[:, i : i + kernel_size, j : j + kernel_size]
            weight = phi[:, i : i + 1, j : j + 1] - psi[window]
            weight = conv(activated(weight, "gamma1"), "gamma1")
            weight = conv(activated(weight, "gamma2"), "gamma2")
            weight = np.exp(weight)
            weight /= weight.sum(axis=(1, 2), keepdims=True)
            # Every other channel has the same weight.
            weight = np.tile(weight, 8)
            expected[:, i, j] = (weight * values[window]).sum(axis=(1, 2))
    assert model(x).shape == expected.shape
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "millions"), [("san10", 10.5), ("san15", 14.1), ("san19", 17.6)]
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
    ],
)
def test_bad_arguments(arguments, message):
    defaults = {"num_blocks": (1, 1, 1), "filters": (32, 32, 64)}
    with pytest.raises(ValueError, match=message):
        SAN(num_classes=3, **{**defaults, **arguments})
