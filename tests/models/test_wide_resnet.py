import keras
import numpy as np
import pytest

from keras_artkd.layers import AWGram
from keras_artkd.models import WideResNet, build
from tests.contract import run_saving_test


def count_trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("depth", "width", "parameters"),
    [
        (16, 1, 180_916),
        (16, 2, 703_284),
        (16, 4, 2_772_020),
        (40, 1, 569_780),
        (40, 2, 2_255_156),
        (40, 4, 8_972_340),
    ],
)
def test_parameter_counts(depth, width, parameters):
    """Those of mdistiller's definitions for 100 classes."""
    model = WideResNet(depth, width, 100, (32, 32, 3))
    assert count_trainable(model) == parameters
    more = WideResNet(depth, width, 101, (32, 32, 3))
    assert count_trainable(more) == parameters + 64 * width + 1


def test_table_4_9_of_the_thesis():
    """Millions for 10 or 125 classes, as its table mixes them."""
    for name, millions in (
        ("wrn_16_1", 0.17),
        ("wrn_16_2", 0.69),
        ("wrn_16_4", 2.79),
        ("wrn_40_1", 0.56),
        ("wrn_40_2", 2.20),
        ("wrn_40_4", 8.90),
    ):
        count = count_trainable(build(name, 10, (32, 32, 3)))
        assert count / 1e6 == pytest.approx(millions, abs=0.06)


def test_endpoints():
    model = WideResNet(16, 2, 7, (48, 64, 3))
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


def test_takes_raw_pixels():
    """Mid-grey is zero to the network: the stem's output vanishes."""
    model = WideResNet(10, 1, 3, (16, 16, 3))
    stem = keras.Model(model.inputs[0], model.get_layer("stem_conv").output)
    np.testing.assert_allclose(
        stem(np.full((1, 16, 16, 3), 127.5)), 0.0, atol=1e-4
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
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    run_saving_test(model, x, tmp_path / "m.keras")


def test_config():
    changed = {
        "input_shape": (16, 24, 3),
        "head": "awgram",
        "head_inputs": ("group3",),
        "trainable": False,
        "dtype": "mixed_bfloat16",
    }
    model = WideResNet(10, 2, 4, name="w", **changed)
    config = model.get_config()
    assert not model.trainable_variables
    for key, value in {**changed, "depth": 10, "width": 2, "name": "w"}.items():
        if key == "dtype":
            assert config[key]["config"]["name"] == value
        elif isinstance(value, tuple):
            assert tuple(config[key]) == value
        else:
            assert config[key] == value
    restored = WideResNet.from_config(config)
    assert restored.get_config() == config
    assert not restored.trainable_variables


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_float32_logits(policy):
    model = WideResNet(10, 1, 3, (16, 16, 3), dtype=policy, head="awgram")
    assert model.output.dtype == "float32"
    assert model.endpoints["group1"].dtype == policy[len("mixed_") :]
    assert model.dtype_policy.name == policy


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 15}, r"6n \+ 4.*depth=15"),
        ({"depth": 4}, r"6n \+ 4"),
        ({"width": 0}, "width=0"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"head": "max"}, "'pool', 'awgram'.*'max'"),
        ({"head": "awgram", "head_inputs": ("group9",)}, "group9"),
        ({"head": "awgram", "head_inputs": ()}, "one or two"),
    ],
)
def test_bad_arguments(arguments, message):
    defaults = {"depth": 10, "width": 1, "num_classes": 3}
    with pytest.raises(ValueError, match=message):
        WideResNet(**{**defaults, "input_shape": (16, 16, 3), **arguments})
