import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.models.endpoints import group_names
from keras_artkd.models.splitting import network_part, split_network
from tests.models.families import built_small
from tests.models.networks import images


@pytest.mark.parametrize(
    "name", ["wrn_10_1", "resnet8", "mobilenet_v2", "vgg8", "densenet121"]
)
def test_parts_in_turn_are_the_network(name):
    model = built_small(name)
    parts = split_network(model, group_names(model))
    x = images(2)
    for part in parts:
        x = part(x, training=False)
    np.testing.assert_array_equal(x, model(images(2), training=False))
    variables = [id(v) for part in parts for v in part.variables]
    assert sorted(variables) == sorted(id(v) for v in model.variables)


def test_several_ends():
    model = models.build("wrn_10_1", 5, input_shape=(32, 32, 3))
    part = network_part(model, "group2", ["features", "logits"])
    maps = np.zeros((2, *model.endpoints["group2"].shape[1:]))
    ends = part(maps)
    assert ends["features"].shape[1:] == model.endpoints["features"].shape[1:]
    assert ends["logits"].shape == (2, 5)


def test_what_needs_more_than_the_cut():
    model = models.build(
        "wrn_10_1",
        5,
        (32, 32, 3),
        head="awgram",
        head_inputs=("group2", "group3"),
    )
    with pytest.raises(ValueError, match="logits needs more than group3"):
        split_network(model, ["group1", "group2", "group3"])
