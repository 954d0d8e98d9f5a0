"""Pairs of maps that a loss compares."""

import keras
import numpy as np
import pytest

from keras_artkd import losses, models
from keras_artkd.distillers import build
from keras_artkd.distillers.endpoint_pairs import (
    group_pairs,
    preactivation_pairs,
)
from tests.distillers.networks import CLASSES, plain, wide


def network(name):
    return models.build(name, CLASSES, (32, 32, 3))


def test_equal_numbers_of_groups():
    assert group_pairs(wide(), wide()) == (
        ("group1", "group1"),
        ("group2", "group2"),
        ("group3", "group3"),
    )


def test_the_deepest_belong_together():
    pairs = group_pairs(network("resnet18"), wide())
    assert pairs == (
        ("group2", "group1"),
        ("group3", "group2"),
        ("group4", "group3"),
    )
    assert group_pairs(wide(), network("vgg8"))[-1] == ("group3", "group4")


def test_preactivations_where_there_are_any():
    pairs = preactivation_pairs(network("resnet8"), plain(side=32))
    assert pairs == tuple((f"preactivation{i}", f"group{i}") for i in (1, 2, 3))


def test_networks_without_groups_are_named():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(4)],
        name="flat",
    )
    with pytest.raises(ValueError, match="'flat' with logits.*with_endpoints"):
        group_pairs(wide(), model)


def test_wide_resnets_have_them_before_the_next_relu():
    """Fixed endpoints stay as they are; these are added."""
    model = wide()
    assert not [name for name in model.endpoints if "pre" in name]
    endpoints = models.get_endpoints(model)
    assert list(endpoints)[-5:] == list(model.endpoints)
    values = keras.Model(model.inputs[0], endpoints)(
        np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3))
    )
    for i in (1, 2, 3):
        assert values[f"preactivation{i}"].shape == values[f"group{i}"].shape
    np.testing.assert_array_equal(
        np.maximum(values["preactivation3"], 0), values["features"]
    )


@pytest.mark.parametrize("name", ["wrn_10_1", "resnet20", "vgg8", "resnet50"])
def test_overhauls_margins_are_the_experts_batch_normalisation(name):
    """Of the layer before the ReLU, or of the sum's main branch."""
    expert, student = network(name), network("resnet8")
    random = np.random.default_rng(0)
    for layer in expert.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(random.uniform(0.5, 2.0, layer.gamma.shape))
            layer.beta.assign(random.normal(size=layer.beta.shape))
    (loss,) = build("ofd", student, expert).transfer_losses
    last = {
        "wrn_10_1": ["group2_block1_1", "group3_block1_1", "last"],
        "resnet20": [f"group{i}_block3_2" for i in (1, 2, 3)],
        "vgg8": [f"block{i}_1" for i in (3, 4, 5)],
        "resnet50": ["group2_block4_3", "group3_block6_3", "group4_block3_3"],
    }[name]
    for margin, layer in zip(loss.margins, last, strict=True):
        layer = expert.get_layer(f"{layer}_bn")
        np.testing.assert_allclose(
            margin,
            losses.batch_norm_margins(
                np.array(layer.gamma), np.array(layer.beta)
            ),
        )


def test_overhauls_margins_are_estimated_where_nothing_normalises():
    """Nor where both branches of a sum do."""
    (loss,) = build("ofd", plain(), plain(6)).transfer_losses
    assert loss.margins is None
    two = build("ofd", network("resnet8"), network("resnet8"))
    assert two.transfer_losses[0].margins is None
    given = build("ofd", wide(), wide(2), margins="estimated")
    assert given.transfer_losses[0].margins is None
