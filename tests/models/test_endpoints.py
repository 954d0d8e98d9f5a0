import keras
import numpy as np
import pytest

from keras_artkd.models import get_endpoints, with_endpoints


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


def test_softmax_is_rejected():
    with pytest.raises(ValueError, match="logits.*'top' applies softmax"):
        with_endpoints(small_model("softmax"), {"group3": "conv"})


def test_softmax_layer_is_rejected():
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


def test_subclassed_model_is_rejected():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="functional"):
        with_endpoints(Subclassed(), {})
