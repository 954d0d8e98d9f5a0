"""Exports of every class of networks."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.deploy import export
from keras_artkd.deploy.lite import LiteModel
from tests.deploy.networks import logit_correlation
from tests.models.families import CLASSES, FAMILIES, small
from tests.models.networks import images


def adapt(model, x):
    """Gives a network the statistics of these images, as if trained."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(x, training=True)


def mosaics(count, model):
    """Images of 16 coloured tiles: they differ by more than noise does."""
    side = model.input_shape[1] // 4
    return images(count, size=4).repeat(side, axis=1).repeat(side, axis=2)


# A block of every kind, of what is large even in small networks.
TINY = {
    "dianet": {"num_blocks": (2,), "filters": (8,)},
    "san10": {"num_blocks": (1, 1), "filters": (32, 32)},
    # Smaller images are too small for it.
    "mobilenet_v2": {"size": 32},
}


@pytest.fixture(
    params=["tiny", pytest.param("whole", marks=pytest.mark.exhaustive)]
)
def make(request):
    """Makes networks of a few blocks, one of every kind, or of all."""
    if request.param == "whole":
        return lambda name: models.build(name, 10, (32, 32, 3))
    return lambda name: small(name, **{"size": 16, **TINY.get(name, {})})


# Of operations that these have, or the wide ResNets of `tests.deploy`.
REPEATED = (
    "wrn_10_1",
    "resnet8",
    "densenet121",
    "vgg8",
    "mobilenet_v2",
    "shufflenet_v2",
)


def exhaustive(*names):
    """The classes, of which these take part in exhaustive tests alone."""
    return [
        pytest.param(name, marks=pytest.mark.exhaustive)
        if name in names
        else name
        for name in CLASSES
    ]


@pytest.mark.parametrize("name", exhaustive(*REPEATED))
def test_to_litert(name, make, tmp_path):
    """To LiteRT's own operations, and with the same answers."""
    model = make(name)
    x = mosaics(4, model)
    adapt(model, x)
    logits = np.array(model(x))
    path = export.export_tflite(model, tmp_path / "m.tflite")
    assert b"Flex" not in path.read_bytes()
    result = export.verify(path, x, logits)
    assert result["max_abs_difference"] < 1e-3


@pytest.mark.parametrize(
    "name", exhaustive(*REPEATED, "shufflenet_v1", "san10")
)
def test_to_litert_in_int8(name, make, tmp_path):
    model = make(name)
    x = mosaics(8, model)
    adapt(model, x)
    path = export.export_tflite(model, tmp_path / "m.tflite", "int8", x)
    assert b"Flex" not in path.read_bytes()
    logits = np.array(model(x))
    correlation = logit_correlation(LiteModel(path).predict(x), logits)
    assert correlation > FAMILIES[name].int8_correlation


@pytest.mark.parametrize(
    "name",
    [
        "san10",
        "shufflenet_v1",
        pytest.param("shufflenet_v2", marks=pytest.mark.exhaustive),
    ],
)
def test_to_onnx(name, make, tmp_path):
    """Networks of more than layers: slices, reshapes and constants."""
    model = make(name)
    x = mosaics(4, model)
    adapt(model, x)
    path = export.export_onnx(model, tmp_path / "m.onnx")
    logits = np.array(model(x))
    result = export.verify(path, x, logits)
    assert result["max_abs_difference"] < 1e-3
