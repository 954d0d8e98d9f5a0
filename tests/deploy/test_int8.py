"""What becomes of a LiteRT file's floats; test_formats.py has its answers."""

import numpy as np
import pytest

from keras_artkd.deploy.export import export_tflite
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.models import build, with_levels
from keras_artkd.models.levels import level_sizes
from keras_artkd.runs.heads import feature_model, fit_head
from tests.deploy.networks import conv_net, stripes
from tests.deploy.test_gpu_delegate import graph_of


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Paths of a float file and of an int8 file, and their images."""
    folder = tmp_path_factory.mktemp("quantised")
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), "uint8")
    network = conv_net()
    whole = export_tflite(network, folder / "float.tflite")
    parts = export_tflite(network, folder / "int8.tflite", "int8", images)
    return whole, parts, images


def test_everything_is_integers_but_the_probabilities(files):
    graph, names = graph_of(files[1])
    kinds = {}
    for operator, name in zip(graph.operators, names, strict=True):
        kind = graph.tensors[operator.outputs[0]].type
        kinds.setdefault(name, set()).add(kind)
    floats, int8 = 0, 9  # TensorType of the schema.
    assert kinds.pop("SOFTMAX") == {floats}
    assert kinds.pop("DEQUANTIZE") == {floats}
    assert {"CONV_2D", "FULLY_CONNECTED", "QUANTIZE"} <= set(kinds)
    assert set.union(*kinds.values()) == {int8}


def test_the_contract_of_the_file(files):
    model = LiteModel(files[1])
    (given,) = model._interpreter.get_input_details()
    (answer,) = model._interpreter.get_output_details()
    assert given["name"] == "image" and answer["name"] == "probabilities"
    assert given["dtype"] == np.uint8 and given["quantization"] == (1.0, 0)
    assert answer["dtype"] == np.float32
    assert model._interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["image"], "outputs": ["probabilities"]}
    }


def test_steps_are_as_fine_as_the_widest_image_allows(files):
    """Ranges of all images, not an average: none is clipped."""
    whole, parts, images = files
    expected = LiteModel(whole).predict(images)
    np.testing.assert_allclose(
        LiteModel(parts).predict(images), expected, atol=0.02
    )


def test_levels_of_unlike_scales_in_one_vector(tmp_path):
    """Integers of several depths that are joined have one scale."""
    images, labels = stripes(200)
    network = with_levels(
        build("efficientnet_lite0", 5, (32, 32, 3), weights="imagenet")
    )
    features = feature_model(network).predict(images, verbose=0)
    known = features, labels
    head = fit_head(*known, *known, 5, level_sizes(network))
    network.get_layer("logits").set_weights([head.kernel, head.bias])
    images = images.astype("uint8")
    path = export_tflite(network, tmp_path / "int8.tflite", "int8", images)
    answers = LiteModel(path).predict(images).argmax(axis=1)
    assert (head.logits(features).argmax(axis=1) == labels).mean() > 0.95
    assert (answers == labels).mean() > 0.9
