import keras
import numpy as np
import pytest

from keras_artkd.models import build, get_endpoints, with_endpoints


def small_model(activation=None):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(
        inputs, keras.layers.Dense(3, activation=activation, name="top")(x)
    )


def test_names_layers_and_shares_weights():
    model = small_model()
    named = with_endpoints(model, {"group3": "conv"})
    assert list(named.endpoints) == ["group3", "logits"]
    assert named.endpoints["group3"].shape == (None, 6, 6, 4)
    assert named.get_layer("conv") is model.get_layer("conv")
    x = np.ones((2, 8, 8, 3))
    np.testing.assert_array_equal(named(x), model(x))


def test_saving_keeps_endpoints(tmp_path):
    named = with_endpoints(small_model(), {"group3": "norm"})
    named.trainable = False
    named.save(tmp_path / "m.keras")
    restored = keras.models.load_model(tmp_path / "m.keras")
    assert list(restored.endpoints) == ["group3", "logits"]
    assert not restored.trainable_variables
    x = np.ones((2, 8, 8, 3))
    np.testing.assert_array_equal(named(x), restored(x))


def test_plain_functional_model_has_its_logits():
    assert list(get_endpoints(small_model())) == ["logits"]


def test_unknown_layer_suggests_near_names():
    with pytest.raises(ValueError, match="'group3'.*'cnv'.*Near it: conv"):
        with_endpoints(small_model(), {"group3": "cnv"})


def test_softmax_is_refused():
    with pytest.raises(ValueError, match="logits.*'top' applies softmax"):
        with_endpoints(small_model("softmax"), {"group3": "conv"})


def test_softmax_layer_is_refused():
    model = small_model()
    softmax = keras.layers.Softmax(name="prob")(model.outputs[0])
    with pytest.raises(ValueError, match="'prob' applies softmax"):
        with_endpoints(keras.Model(model.inputs[0], softmax), {})


def test_layers_frozen_later_are_saved_frozen(tmp_path):
    named = with_endpoints(small_model(), {"group3": "conv"})
    named.get_layer("conv").trainable = False
    named.save(tmp_path / "m.keras")
    restored = keras.models.load_model(tmp_path / "m.keras")
    assert len(restored.trainable_variables) == len(named.trainable_variables)
    assert not restored.get_layer("conv").trainable


def test_build_takes_any_wide_resnet():
    assert build("wrn_22_3", 5, (16, 16, 3)).width == 3
    with pytest.raises(ValueError, match="depth=15"):
        build("wrn_15_1", 5)


def test_subclassed_model_is_refused():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="functional"):
        with_endpoints(Subclassed(), {})


def test_convnext(tmp_path):
    model = build("convnext_tiny", 4, (64, 64, 3))
    shapes = {k: tuple(v.shape[1:]) for k, v in model.endpoints.items()}
    assert shapes == {
        "group1": (8, 8, 192),
        "group2": (4, 4, 384),
        "group3": (2, 2, 768),
        "features": (2, 2, 768),
        "logits": (4,),
    }
    # A stage's output is what the next stage reads: its residual sum.
    endpoint = keras.Model(model.inputs[0], model.endpoints["group1"])
    reader = model.get_layer("convnext_tiny_downsampling_block_1")
    x = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3))
    np.testing.assert_array_equal(
        endpoint(x), keras.Model(model.inputs[0], reader.input)(x)
    )
    model.save(tmp_path / "m.keras")
    restored = keras.models.load_model(tmp_path / "m.keras")
    assert list(restored.endpoints) == list(model.endpoints)
    np.testing.assert_array_equal(restored(x), model(x))


def test_build_lists_known_names():
    with pytest.raises(ValueError, match="wrn_16_2, .*convnext_tiny.*'resnet'"):
        build("resnet", 3)


def test_build_refuses_unknown_options():
    with pytest.raises(ValueError, match="wrn_16_2.*weights"):
        build("wrn_16_2", 3, weights="imagenet")
