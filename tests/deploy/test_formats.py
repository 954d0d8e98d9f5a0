"""Exported files answer as the network does, in every format."""

import keras
import numpy as np
import pytest

from keras_artkd.deploy import export
from keras_artkd.deploy.formats import EXPORT_FORMATS, open_model
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.layers import AWGram
from keras_artkd.models import WideResNet, with_exits, with_rotations
from tests.deploy.networks import (
    channel_mixtures,
    conv_net,
    flat_network,
    logit_correlation,
    stripes,
    with_solved_head,
    written,
)

ALL = [
    (file_format.name, quantize)
    for file_format in EXPORT_FORMATS.values()
    for quantize in file_format.quantisations
]
# A file of each format, and the quantised ones, too, where all is tested.
WHOLE = [
    pytest.param(
        *case, marks=[] if case[1] == "none" else pytest.mark.exhaustive
    )
    for case in ALL
]
CORRELATIONS = [
    "none",
    "cosine",
    "pearson",
    "spearman",
    "covariance",
    "chebyshev",
    "euclidean",
]
# Measured of the WRN: 1e-5; 4e-4; 0.2, of logits of 5 and more.
TOLERANCES = {"none": 1e-4, "float16": 5e-3, "int8": 0.5}


@pytest.fixture(scope="module")
def trained():
    """A network trained to certainty, images and labels."""
    keras.utils.set_random_seed(0)
    images, labels = stripes(512)
    network = WideResNet(10, 1, 5, (32, 32, 3), head="awgram")
    network.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    network.fit(images, labels, batch_size=64, epochs=3, verbose=0)
    return network, images[:128], labels[:128]


@pytest.mark.parametrize(("name", "quantize"), ALL)
def test_answers_and_class_names(tmp_path, capfd, name, quantize):
    """Names as NumPy gives them, too; nothing printed, nothing left over."""
    network = flat_network()
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
    names = ["a", "b", "two words", "浮世絵"]
    path = written(network, tmp_path, name, quantize, images, np.array(names))
    assert path.suffix == EXPORT_FORMATS[name].suffix
    assert list(tmp_path.iterdir()) == [path]
    assert open_model(path).info == ModelInfo(
        names,
        8,
        9,
        quantize=quantize,
        calibration_images=4 if quantize == "int8" else 0,
    )
    logits = network.predict(images.astype("float32"), verbose=0)
    result = export.verify(path, images, logits)
    assert result["max_abs_difference"] < TOLERANCES[quantize]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "quantize"), WHOLE)
@pytest.mark.parametrize("folder", ["old [1]", r"a\b", "what*{1}?"])
def test_folders_whose_names_are_patterns(tmp_path, folder, name, quantize):
    """TensorFlow looks for files that match some paths."""
    network = flat_network()
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
    path = written(network, tmp_path / folder, name, quantize, images)
    assert list((tmp_path / folder).iterdir()) == [path]
    logits = network.predict(images.astype("float32"), verbose=0)
    result = export.verify(path, images, logits)
    assert result["max_abs_difference"] < TOLERANCES[quantize]


@pytest.mark.parametrize(
    ("name", "quantize"), [case for case in ALL if case[0] != "onnx"]
)
def test_a_trained_network(trained, tmp_path, name, quantize):
    network, images, labels = trained
    logits = network.predict(images, verbose=0)
    path = written(network, tmp_path, name, quantize, images)
    result = export.verify(path, images, logits, labels)
    assert result["max_abs_difference"] < TOLERANCES[quantize]
    assert result["agreement"] >= (0.97 if quantize == "int8" else 1.0)
    assert result["accuracy"] > 0.95
    assert result["size_bytes"] > 0
    if path.is_file():
        # TensorFlow operations would be named Flex..., unfrozen variables
        # give NaN.
        assert b"Flex" not in path.read_bytes()


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_heads_for_the_training_are_left_out(tmp_path, name):
    """The file is that of a network which never had any, to some names."""
    plain = WideResNet(10, 1, 5, (16, 16, 3))
    rotations = with_rotations(WideResNet(10, 1, 20, (16, 16, 3)))
    with_heads = with_exits(rotations, "skdsam")
    assert with_heads.count_params() > 1.3 * plain.count_params()
    sizes = []
    for model in (plain, with_heads):
        folder = tmp_path / model.name
        path = written(model, folder, name)
        sizes.append(path.stat().st_size)
    assert abs(sizes[1] - sizes[0]) < 1000
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3))
    images = images.astype("uint8")
    result = export.verify(path, images, with_heads.predict(images, verbose=0))
    assert result["max_abs_difference"] < 1e-4


# Of each kind of arithmetic one: products, distances, ranks.
COMMON = ("cosine", "chebyshev", "spearman")


@pytest.mark.parametrize(
    "correlation",
    [
        name
        if name in COMMON
        else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in CORRELATIONS
    ],
)
def test_awgram_converts_to_builtin_operations(tmp_path, correlation):
    # Maps of up to 255: the layer itself must bring them into range.
    maps, labels = channel_mixtures(512)
    inputs = keras.Input((8, 8, 8))
    outputs = AWGram(correlation)(inputs)
    model = with_solved_head(keras.Model(inputs, outputs), maps, labels)
    maps, labels = maps[:256], labels[:256]
    logits = model.predict(maps, verbose=0)

    path = written(model, tmp_path, "tflite")
    assert b"Flex" not in path.read_bytes()
    result = export.verify(path, maps, logits, labels)
    assert result["accuracy"] > 0.9
    assert result["max_abs_difference"] < 1e-4

    path = written(model, tmp_path, "tflite", "int8", maps[:64])
    assert b"Flex" not in path.read_bytes()
    # Measured: every correlation 1.0 and above 0.999.
    assert export.verify(path, maps, logits, labels)["agreement"] > 0.95
    assert logit_correlation(LiteModel(path).predict(maps), logits) > 0.99


def test_int8_takes_the_bytes_of_dark_images(tmp_path):
    """Without pinning, 0..99 would be stretched to the 256 steps."""
    dark = np.random.default_rng(0).integers(0, 100, (8, 8, 8, 3), "uint8")
    path = written(flat_network(), tmp_path, "tflite", "int8", dark)
    details = LiteModel(path)._interpreter.get_input_details()[0]
    assert details["dtype"] == np.uint8
    assert details["quantization"] == (1.0, 0)


def test_signatures(tmp_path):
    import tensorflow as tf

    network = flat_network()
    loaded = tf.saved_model.load(str(written(network, tmp_path, "saved_model")))
    spec = loaded.signatures["serving_default"].structured_input_signature[1]
    assert spec["image"].shape.as_list() == [None, 8, 8, 3]
    assert spec["image"].dtype == tf.float32
    answers = loaded.serve(tf.zeros((3, 8, 8, 3)))
    assert list(answers) == ["probabilities"]
    assert answers["probabilities"].dtype == tf.float32

    lite = LiteModel(written(network, tmp_path, "tflite"))
    signatures = lite._interpreter.get_signature_list()
    assert signatures["serving_default"] == {
        "inputs": ["image"],
        "outputs": ["probabilities"],
    }

    onnx = pytest.importorskip("onnx")
    graph = onnx.load(written(network, tmp_path, "onnx")).graph
    assert [x.name for x in graph.input] == ["image"]
    assert [x.name for x in graph.output] == ["probabilities"]


@pytest.mark.parametrize("quantize", ["none", "float16", "int8"])
def test_a_lite_file_is_for_one_image_unless_it_is_open(tmp_path, quantize):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), "uint8")
    network, shapes, answers = flat_network(), [], []
    for batch in ("1", "open"):
        path = export.export_tflite(
            network,
            tmp_path / f"{batch}.tflite",
            quantize,
            images,
            batch=batch,
        )
        model = LiteModel(path)
        for details in (
            model._interpreter.get_input_details()[0],
            model._interpreter.get_output_details()[0],
        ):
            shapes.append([int(n) for n in details["shape_signature"]])
            assert details["name"] in ("image", "probabilities")
        answers.append(model.predict(images, batch_size=3))
    assert shapes == [[1, 8, 8, 3], [1, 4], [-1, 8, 8, 3], [-1, 4]]
    np.testing.assert_allclose(*answers, atol=1e-6)


def test_probabilities_of_int8_are_not_rounded(tmp_path):
    """In steps of 1/256 the first two of these would be equal."""
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), "uint8")
    path = written(flat_network(), tmp_path, "tflite", "int8", images)
    answers = LiteModel(path).predict(images)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
    assert np.abs(answers * 256 - np.round(answers * 256)).max() > 0.1


def test_a_batch_that_is_unknown(tmp_path):
    with pytest.raises(ValueError, match="must be 1 or open. Received: '7'"):
        export.export_tflite(flat_network(), tmp_path / "m.tflite", batch="7")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_exports_float32(tmp_path, policy):
    images, _ = stripes(16)
    head = AWGram("pearson")
    mixed, full = (
        WideResNet(10, 1, 5, (32, 32, 3), head, dtype=dtype)
        for dtype in (policy, "float32")
    )
    full.set_weights(mixed.get_weights())
    path = written(mixed, tmp_path, "tflite")
    result = export.verify(path, images, full.predict(images, verbose=0))
    assert result["max_abs_difference"] < 1e-4
    tensors = LiteModel(path)._interpreter.get_tensor_details()
    assert not [t for t in tensors if "float16" in t["dtype"].__name__]
    assert any(policy == x.dtype_policy.name for x in mixed.layers)


def test_mixed_precision_by_the_global_policy(tmp_path):
    images, _ = stripes(4)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = conv_net()
        path = written(model, tmp_path, "saved_model")
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    logits = model.predict(images, verbose=0)
    assert export.verify(path, images, logits)["max_abs_difference"] < 0.05


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_layer_by_layer(tmp_path, dtype):
    images, _ = stripes(4)
    mixed, full = conv_net(dtype), conv_net("float32")
    full.set_weights(mixed.get_weights())
    path = written(mixed, tmp_path, "saved_model")
    result = export.verify(path, images, full.predict(images, verbose=0))
    assert result["max_abs_difference"] < 1e-4


def test_the_public_functions_write_their_formats(tmp_path):
    network = flat_network()
    for write, name in (
        (export.export_tflite, "m.tflite"),
        (export.export_onnx, "m.onnx"),
        (export.export_saved_model, "m"),
    ):
        path = write(network, tmp_path / name, class_names=list("abcd"))
        assert path == tmp_path / name
        assert open_model(path).info.class_names == list("abcd")
