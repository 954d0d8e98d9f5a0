import keras
import numpy as np

from keras_artkd.models import ShuffleNetV2, shufflenet_v2
from tests.models.networks import Family, endpoint_values, images

FAMILY = Family(
    # mdistiller's.
    parameters={"shufflenet_v2": 1_355_528},
    groups={"shufflenet_v2": ((16, 16, 116), (8, 8, 232), (4, 4, 464))},
    last=1024,
    stages=((116, 2), (232, 2)),
    config={"stem": "imagenet"},
    smallest={"auto": 16, "imagenet": 64},
    cancelled="depthwise_bn/beta",
)


def test_passes_half_of_the_channels_on():
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


def test_groups_are_what_the_next_stage_reads(monkeypatch):
    monkeypatch.setattr(shufflenet_v2, "STAGES", FAMILY.stages)
    model = ShuffleNetV2(3, (32, 32, 3))
    x = images(2)
    reader = keras.Model(
        model.inputs[0], model.get_layer("group2_block1_1_conv").input
    )
    np.testing.assert_array_equal(
        endpoint_values(model, x)["group1"], reader(x)
    )
