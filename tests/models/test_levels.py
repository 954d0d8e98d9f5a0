"""Classifiers of several depths."""

import keras
import numpy as np
import pytest

from keras_artkd.models import build, inherit, with_endpoints, with_levels
from keras_artkd.models.levels import level_names, level_sizes
from tests.models.networks import (
    endpoint_values,
    images,
    perturbed,
    saved_and_loaded,
)

SIDE = 32
LITE = ["stage3", "stage4", "stage5", "stage6", "features"]


def network(name="efficientnet_lite0", **options):
    return perturbed(build(name, 3, (SIDE, SIDE, 3), **options))


@pytest.mark.parametrize(
    ("name", "levels", "sizes"),
    [
        ("efficientnet_lite0", LITE, [40, 80, 112, 192, 1280]),
        ("efficientnet_lite2", LITE, [48, 88, 120, 208, 1280]),
        (
            "efficientnet_lite0_first8",
            ["stage3", "stage4", "features"],
            [40, 80, 512],
        ),
        ("wrn_10_1", ["group1", "group2", "features"], [16, 32, 64]),
        (
            "applications/MobileNetV3Small",
            ["group1", "group2", "features"],
            [72, 96, 576],
        ),
    ],
)
def test_which_maps_are_read(name, levels, sizes):
    model = with_levels(build(name, 3, (SIDE, SIDE, 3)))
    assert level_names(model) == levels
    assert level_sizes(model) == sizes
    assert model.get_layer("logits").input.shape == (None, sum(sizes))


def test_logits_are_of_the_means_of_the_maps():
    inner = network()
    model = with_levels(inner)
    x = images(2, SIDE)
    maps = endpoint_values(inner, x)
    kernel, bias = model.get_layer("logits").get_weights()
    means = np.concatenate([maps[name].mean(axis=(1, 2)) for name in LITE], 1)
    np.testing.assert_allclose(
        model(x), means @ kernel + bias, rtol=1e-4, atol=1e-4
    )
    # The endpoints are the network's own, but for the logits.
    again = endpoint_values(model, x)
    assert [*again] == [*maps]
    for name in {*maps} - {"logits"}:
        np.testing.assert_allclose(again[name], maps[name], rtol=1e-5)


def test_saved_and_loaded(tmp_path):
    model = with_levels(network("wrn_10_1"))
    path = tmp_path / "model.keras"
    loaded = saved_and_loaded(model, images(2, SIDE), path)
    assert level_sizes(loaded) == level_sizes(model)
    assert [*loaded.endpoints] == [*model.endpoints]


def test_the_old_classifier_is_gone():
    inner = network("wrn_10_1")
    model = with_levels(inner)
    assert sum(w.shape[-1] == 3 for w in model.trainable_weights) == 2
    read = inner.get_layer("logits").input.shape[-1]
    more = 3 * (sum(level_sizes(model)) - read)
    assert model.count_params() == inner.count_params() + more


def test_first_blocks_inherit_from_it():
    donor = with_levels(network())
    first = build("efficientnet_lite0_first3", 3, (SIDE, SIDE, 3))
    copied = inherit(first, donor)
    assert "block3_project_conv" in copied
    np.testing.assert_array_equal(
        first.get_layer("block3_project_conv").get_weights()[0],
        donor.get_layer("block3_project_conv").get_weights()[0],
    )


def test_mixed_precision_has_float32_logits():
    model = with_levels(network("wrn_10_1", dtype="mixed_bfloat16"))
    assert model.output.dtype == "float32"
    assert model.get_layer("levels").compute_dtype == "bfloat16"


def test_networks_of_one_level_are_told():
    inputs = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(4, 3, name="maps")(inputs)
    logits = keras.layers.Dense(3, name="logits")(
        keras.layers.GlobalAveragePooling2D()(maps)
    )
    model = with_endpoints(keras.Model(inputs, logits), {"features": "maps"})
    assert level_names(model) == []
    assert level_sizes(model) is None
    with pytest.raises(ValueError, match="needs the endpoints `features`"):
        with_levels(model)
