import keras
import numpy as np
import pytest

from keras_artkd.layers import AWGram
from keras_artkd.models import WideResNet
from tests.models.networks import Family, images, saved_and_loaded


def count_parameters(depth, width):
    """Trainable parameters by formula, for 100 classes."""
    blocks = (depth - 4) // 6
    before, count = 16, 9 * 3 * 16
    for channels in (16 * width, 32 * width, 64 * width):
        for block in range(blocks):
            inner = before if block == 0 else channels
            # Two batch normalisations and two convolutions, and a shortcut
            # where the channels change.
            count += 2 * inner + 9 * inner * channels
            count += 2 * channels + 9 * channels**2
            count += inner * channels if inner != channels else 0
        before = channels
    return count + 2 * before + 100 * (before + 1)


FAMILY = Family(
    parameters={
        f"wrn_{depth}_{width}": count_parameters(depth, width)
        for depth in (10, 16, 28, 40)
        for width in (1, 2, 4)
    },
    groups={"wrn_16_2": ((32, 32, 32), (16, 16, 64), (8, 8, 128))},
    group_is="raw",
    config={"depth": 16, "width": 2},
)
# Those of mdistiller's definitions, and the thesis's in table 4.9, in millions.
PUBLISHED = {
    "wrn_16_1": (180_916, 0.17),
    "wrn_16_2": (703_284, 0.69),
    "wrn_16_4": (2_772_020, 2.79),
    "wrn_40_1": (569_780, 0.56),
    "wrn_40_2": (2_255_156, 2.20),
    "wrn_40_4": (8_972_340, 8.90),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parameters(name):
    count, millions = PUBLISHED[name]
    assert FAMILY.parameters[name] == count
    # The thesis's table mixes networks of 10 and of 125 classes.
    width = int(name[-1])
    assert (count - 90 * (64 * width + 1)) / 1e6 == pytest.approx(
        millions, abs=0.06
    )


def test_endpoints():
    """Of an oblong image."""
    model = WideResNet(10, 2, 7, (48, 64, 3))
    shapes = {k: tuple(v.shape[1:]) for k, v in model.endpoints.items()}
    assert shapes == {
        "group1": (48, 64, 32),
        "group2": (24, 32, 64),
        "group3": (12, 16, 128),
        "features": (12, 16, 128),
        "logits": (7,),
    }
    assert list(model.endpoints)[-1] == "logits"


def test_groups_are_raw_and_features_follow_their_bn_relu():
    model = WideResNet(10, 1, 3, (16, 16, 3))
    x = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3))
    values = keras.Model(model.inputs[0], model.endpoints)(x)
    assert np.min(values["group3"]) < 0 <= np.min(values["features"])
    normalised = model.get_layer("last_bn")(values["group3"])
    np.testing.assert_allclose(
        values["features"], np.maximum(normalised, 0), atol=1e-5
    )


def test_stride_two_pads_one_pixel_on_each_side():
    """As PyTorch: output (0, 0) of a group's first conv sees pixel -1."""
    model = WideResNet(10, 1, 3, (16, 16, 3))
    layer = model.get_layer("group2_block1_conv1")
    assert layer.padding == "valid"
    assert model.get_layer("group2_block1_conv1_pad").padding == (
        (1, 1),
        (1, 1),
    )


def test_identity_shortcut_where_channels_stay():
    names = [v.path for v in WideResNet(16, 1, 3, (16, 16, 3)).weights]
    assert not any("group1_block1_shortcut" in name for name in names)
    assert any("group2_block1_shortcut" in name for name in names)
    names = [v.path for v in WideResNet(16, 2, 3, (16, 16, 3)).weights]
    assert any("group1_block1_shortcut" in name for name in names)


def test_initialisation_is_he_fan_out():
    kernel = WideResNet(16, 4, 3, (16, 16, 3)).get_layer("group3_block2_conv2")
    std = np.std(kernel.get_weights()[0])
    assert std == pytest.approx(np.sqrt(2 / (9 * 256)), rel=0.02)


@pytest.mark.parametrize(
    ("head", "head_inputs", "features"),
    [
        ("awgram", ("features",), 64 * 65 // 2),
        (AWGram("pearson", feature_scale=8.0), ("features",), 64 * 65 // 2),
        ("awgram", ("group2", "group3"), 32 * 64),
    ],
)
def test_awgram_heads(head, head_inputs, features, tmp_path):
    model = WideResNet(
        10, 1, 5, (32, 32, 3), head=head, head_inputs=head_inputs
    )
    assert model.get_layer("logits").kernel.shape == (features, 5)
    saved_and_loaded(model, images(2), tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 15}, r"6n \+ 4.*depth=15"),
        ({"depth": 4}, r"6n \+ 4"),
        ({"width": 0}, "width=0"),
    ],
)
def test_bad_arguments(arguments, message):
    defaults = {"depth": 10, "width": 1, "num_classes": 3}
    with pytest.raises(ValueError, match=message):
        WideResNet(**{**defaults, "input_shape": (16, 16, 3), **arguments})
