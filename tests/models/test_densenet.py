import numpy as np
import pytest

from keras_artkd.models import DenseNet, get_endpoints
from tests.models.networks import (
    Family,
    between,
    count_trainable,
    endpoint_values,
    images,
    perturbed,
)
from tests.models.reference import convolve, normalise, relu

FAMILY = Family(
    # CS-KD's.
    parameters={"densenet121": 7_048_548},
    groups={
        "densenet121": (
            (32, 32, 256),
            (16, 16, 512),
            (8, 8, 1024),
            (4, 4, 1024),
        )
    },
    group_is="raw",
    small={"num_layers": (2, 2), "growth_rate": 8},
    config={"num_layers": (1, 1), "growth_rate": 3, "stem": "imagenet"},
    smallest={"auto": 16, "imagenet": 64},
)


def test_maps_equal_the_equations():
    model = perturbed(DenseNet((1, 2), 4, 3, (8, 8, 3)))

    def weights(layer):
        return model.get_layer(layer).get_weights()

    def activated(x, name):
        return relu(normalise(x, weights(f"{name}_bn")))

    def layer(x, name):
        new = convolve(activated(x, f"{name}_1"), *weights(f"{name}_1_conv"))
        new = convolve(activated(new, f"{name}_2"), *weights(f"{name}_2_conv"))
        return np.concatenate([x, new], axis=-1)

    assert list(get_endpoints(model)) == [
        "preactivation1",
        "preactivation2",
        "group1",
        "group2",
        "features",
        "logits",
    ]
    values = endpoint_values(model, images(2, 8))
    x = convolve(
        activated(values["group1"], "group1"),
        *weights("group1_transition_conv"),
    )
    # Twice four of the stem, four of the layer, of which one half is left.
    assert x.shape[-1] == 6
    x = x.reshape(2, 4, 2, 4, 2, 6).mean(axis=(2, 4))
    x = layer(layer(x, "group2_layer1"), "group2_layer2")
    tolerance = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(values["group2"], x, **tolerance)
    for group in (1, 2):
        before = normalise(values[f"group{group}"], weights(f"group{group}_bn"))
        np.testing.assert_allclose(
            values[f"preactivation{group}"], before, **tolerance
        )
    np.testing.assert_allclose(values["features"], relu(before), **tolerance)


def test_stems():
    """For small images a convolution alone, for large ones ImageNet's."""
    x = images(2, 8)
    model = DenseNet((1,), 4, 3, (8, 8, 3))
    np.testing.assert_allclose(
        between(model, "rescaling", "group1_layer1_concat", x)[..., :8],
        convolve(
            (x / 255 - 0.5) / 0.25, *model.get_layer("stem_conv").get_weights()
        ),
        rtol=1e-4,
        atol=1e-4,
    )
    counts = [
        count_trainable(DenseNet((1,), 4, 3, (32, 32, 3), stem=stem))
        for stem in ("small", "imagenet")
    ]
    assert counts[1] - counts[0] == (49 - 9) * 3 * 8 + 2 * 8


@pytest.mark.parametrize(
    ("num_layers", "growth_rate"), [((), 4), ((2, 0), 4), ((2, 2), 0)]
)
def test_bad_arguments(num_layers, growth_rate):
    with pytest.raises(ValueError, match="for each dense block.*Received"):
        DenseNet(num_layers, growth_rate, 3, (16, 16, 3))
