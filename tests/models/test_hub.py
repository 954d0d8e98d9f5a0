"""Backbones of KerasHub, from presets that the test makes."""

import importlib

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.models import hub

SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A small ResNet with the scaling of its images, saved."""
    import keras_hub

    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 128],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        use_pre_activation=False,
        image_shape=(None, None, 3),
    )
    folder = tmp_path_factory.mktemp("presets") / "small.resnet"
    backbone.save_to_preset(folder)
    converter = keras_hub.layers.ResNetImageConverter(
        scale=[0.01, 0.02, 0.03], offset=[-1.0, -2.0, -3.0]
    )
    converter.save_to_preset(folder)
    return folder


def images():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (2, *SHAPE)).astype("float32")


def test_maps_are_the_backbones_of_scaled_images(preset):
    import keras_hub

    network = models.build(f"hub/{preset}", 5, SHAPE, weights="imagenet")
    assert [*network.endpoints] == [
        *("group1", "group2", "group3"),
        *("features", "logits"),
    ]
    backbone = keras_hub.models.Backbone.from_preset(str(preset))
    scaled = images() * [0.01, 0.02, 0.03] - [1.0, 2.0, 3.0]
    expected = backbone.predict(scaled.astype("float32"), verbose=0)
    last = keras.Model(network.inputs[0], network.endpoints["group3"])
    answer = last.predict(images(), verbose=0)
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)


def test_a_preset_without_scaling_takes_pixels_as_they_are(preset, tmp_path):
    import keras_hub

    backbone = keras_hub.models.Backbone.from_preset(str(preset))
    backbone.save_to_preset(tmp_path / "bare")
    network = models.build(f"hub/{tmp_path}/bare", 5, SHAPE, weights="imagenet")
    last = keras.Model(network.inputs[0], network.endpoints["group3"])
    np.testing.assert_allclose(
        last.predict(images(), verbose=0),
        backbone.predict(images(), verbose=0),
        rtol=1e-4,
        atol=1e-4,
    )


def test_a_scaling_that_cannot_be_read_is_not_passed_over(preset, monkeypatch):
    import keras_hub

    def fails(*_, **__):
        raise ValueError("500 Server Error")

    monkeypatch.setattr(keras_hub.layers.ImageConverter, "from_preset", fails)
    with pytest.raises(OSError, match="500 Server Error"):
        models.build(f"hub/{preset}", 5, SHAPE)


def test_it_is_saved_as_any_network(preset, tmp_path):
    network = models.build(f"hub/{preset}", 5, SHAPE)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(
        again.predict(images(), verbose=0),
        network.predict(images(), verbose=0),
        rtol=1e-5,
        atol=1e-5,
    )


def test_without_weights_it_is_random(preset):
    one, other = (
        models.build(f"hub/{preset}", 5, SHAPE, weights=weights)
        for weights in ("imagenet", None)
    )
    name = "conv1_conv"
    first, second = (
        network.get_layer(name).get_weights()[0] for network in (one, other)
    )
    assert first.shape == second.shape
    assert not np.array_equal(first, second)


def test_its_first_blocks(preset):
    network = models.build(f"hub/{preset}_first1", 5, SHAPE, head_channels=7)
    assert network.endpoints["features"].shape == (None, 8, 8, 7)


def test_a_preset_that_cannot_be_downloaded(monkeypatch):
    import keras_hub

    def fails(*_, **__):
        raise ConnectionError("Max retries exceeded\nwith details")

    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", fails)
    with pytest.raises(OSError, match=r"resnet_18.*Max retries.*hub/FOLDER"):
        models.build("hub/resnet_18_imagenet", 5, SHAPE)


def test_a_preset_of_the_hub_of_models_keeps_its_address(monkeypatch):
    asked = []

    class Hub:
        class models:
            class Backbone:
                @staticmethod
                def from_preset(preset, **_):
                    asked.append(preset)
                    raise ValueError("no config.json")

    monkeypatch.setattr(hub, "_import", lambda: Hub)
    with pytest.raises(OSError, match="no config.json"):
        models.build("hf://timm/resnet18.a1_in1k", 5, SHAPE)
    assert asked == ["hf://timm/resnet18.a1_in1k"]


def test_without_keras_hub(monkeypatch):
    def fails(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", fails)
    with pytest.raises(ImportError, match=r"keras_artkd\[hub\]"):
        hub._import()


def test_weights_of_another_kind(preset):
    with pytest.raises(ValueError, match="its own weights or random ones"):
        models.build(f"hub/{preset}", 5, SHAPE, weights="w.weights.h5")
