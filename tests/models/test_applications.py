"""Networks of keras.applications and backbones in files."""

import sys

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.catalogue.networks import APPLICATIONS, get_network

SMALL = "applications/MobileNetV2"


def shapes(model):
    return {n: tuple(x.shape[1:]) for n, x in model.endpoints.items()}


def test_the_list_is_keras_own():
    known = {
        name
        for name in dir(keras.applications)
        if name[0].isupper() and callable(getattr(keras.applications, name))
    }
    assert known == {*APPLICATIONS}


@pytest.mark.parametrize(
    ("name", "groups", "last"),
    [
        ("MobileNetV2", [(12, 12), (6, 6), (3, 3)], 1280),
        ("MobileNetV3Small", [(12, 12), (6, 6), (3, 3)], 576),
        ("VGG16", [(12, 12), (6, 6), (3, 3)], 512),
        *(
            pytest.param(
                *(name, [(12, 12), (6, 6), (3, 3)], channels),
                marks=pytest.mark.exhaustive,
            )
            for name, channels in (
                ("EfficientNetV2B0", 1280),
                ("ResNet50V2", 2048),
                ("DenseNet121", 1024),
                ("ConvNeXtTiny", 768),
            )
        ),
    ],
)
def test_endpoints_by_stride(name, groups, last):
    with keras.StatelessScope():
        model = models.build(f"applications/{name}", 4, (96, 96, 3))
    found = shapes(model)
    assert [found[f"group{i}"][:2] for i in (1, 2, 3)] == groups
    assert found["features"] == (3, 3, last)
    assert found["logits"] == (4,)
    assert models.get_endpoints(model)["logits"].dtype == "float32"


@pytest.mark.parametrize("name", ["MobileNetV2", "VGG16", "DenseNet121"])
def test_takes_raw_pixels(name):
    """Keras's own preprocessing, of the three kinds, is inside."""
    model = models.build(f"applications/{name}", 4, (32, 32, 3))
    first = next(
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.ZeroPadding2D)
    )
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3))
    seen = keras.Model(model.inputs[0], first.input)(pixels)
    make = getattr(keras.applications, name)
    expected = sys.modules[make.__module__].preprocess_input(pixels.copy())
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "blocks", "side", "channels"),
    [
        ("MobileNet", 3, 8, 128),
        ("MobileNetV2", 4, 4, 32),
        ("MobileNetV3Small", 3, 4, 24),
        pytest.param(
            *("EfficientNetV2B0", 3, 8, 32), marks=pytest.mark.exhaustive
        ),
        pytest.param(*("ResNet50V2", 2, 8, 256), marks=pytest.mark.exhaustive),
    ],
)
def test_first_blocks(name, blocks, side, channels):
    """They inherit, by the names of layers, what the whole network knows."""
    whole = models.build(f"applications/{name}", 4, (48, 48, 3))
    first = models.build(f"applications/{name}_first{blocks}", 4, (32, 32, 3))
    neck = first.get_layer("neck_conv")
    assert tuple(neck.input.shape[1:]) == (side, side, channels)
    assert shapes(first)["features"] == (side, side, 512)
    copied = models.inherit(first, whole)
    left = {layer.name for layer in first.layers if layer.weights} - {*copied}
    assert left == {"neck_conv", "neck_bn", "logits"}


def test_more_blocks_than_there_are():
    with pytest.raises(
        ValueError, match="1 to 17, the blocks that.*mobilenetv2"
    ):
        models.build(f"{SMALL}_first18", 4, (32, 32, 3))


def test_weights_from_files(tmp_path):
    """Of Keras's own file without the classifier, and of a whole network."""
    backbone = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    backbone.save_weights(tmp_path / "m.weights.h5")
    model = models.build(SMALL, 4, (48, 48, 3))
    model.save(tmp_path / "m.keras")
    for path, source in (("m.weights.h5", backbone), ("m.keras", model)):
        loaded = models.build(
            SMALL, 3, (32, 32, 3), weights=str(tmp_path / path)
        )
        for layer in ("Conv1", "block_7_expand", "Conv_1_bn"):
            for ours, theirs in zip(
                loaded.get_layer(layer).get_weights(),
                source.get_layer(layer).get_weights(),
                strict=True,
            ):
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network(tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save_weights(
        tmp_path / "m.weights.h5"
    )
    with pytest.raises(ValueError, match="without its classifier.*m.weights"):
        models.build(
            SMALL, 3, (32, 32, 3), weights=str(tmp_path / "m.weights.h5")
        )


def test_weights_that_cannot_be_downloaded(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("URL fetch failure on https://example.org/w.h5: offline")

    monkeypatch.setattr(
        sys.modules[keras.applications.MobileNetV2.__module__].file_utils,
        "get_file",
        fail,
    )
    with pytest.raises(OSError, match="w.h5.*Fix: put the file into ~/.keras"):
        models.build(SMALL, 3, (32, 32, 3), weights="imagenet")


def test_any_backbone_in_a_file(tmp_path):
    """With its weights, at another size, without its classifier."""
    saved = models.build(SMALL, 4, (48, 48, 3))
    path = tmp_path / "backbone.keras"
    saved.save(path)
    model = models.build(str(path), 7, (32, 32, 3))
    assert shapes(model)["logits"] == (7,)
    np.testing.assert_array_equal(
        model.get_layer("Conv1").get_weights()[0],
        saved.get_layer("Conv1").get_weights()[0],
    )


def test_a_file_without_maps(tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(
        tmp_path / "dense.keras"
    )
    with pytest.raises(ValueError, match="functional keras.Model with maps"):
        models.build(str(tmp_path / "dense.keras"), 3, (32, 32, 3))


def test_saved_and_loaded(tmp_path):
    model = models.build(f"{SMALL}_first2", 3, (32, 32, 3))
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5)
    assert shapes(loaded) == shapes(model)


def test_unknown_application():
    with pytest.raises(ValueError, match="VGG19, Xception.*applications/VGG17"):
        get_network("applications/VGG17")
