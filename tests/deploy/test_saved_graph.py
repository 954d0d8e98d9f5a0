"""A SavedModel that would do more than compute is not opened."""

import pathlib
import shutil

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_artkd.cli.main import main
from keras_artkd.deploy.export import export_saved_model
from keras_artkd.deploy.formats import open_model
from tests.deploy.classifiers import (
    CLASSES,
    make_colour_network,
    write_image,
)

IMAGE = tf.TensorSpec((None, 8, 8, 3), tf.float32, name="image")


def write(path, act):
    """Writes a classifier that does something beside."""

    class Network(tf.Module):
        @tf.function(input_signature=[IMAGE])
        def serve(self, image):
            logits = tf.reduce_mean(image, (1, 2))
            return act(logits)

    network = Network()
    tf.saved_model.save(network, str(path), network.serve)
    return path


def write_file(logits):
    tf.io.write_file("written.txt", "gone")
    return logits


def write_later(logits):
    """In a function of a function."""
    if tf.reduce_max(logits) > 1:
        tf.io.write_file("written.txt", "gone")
    return logits


def read_file(logits):
    return logits + tf.cast(tf.strings.length(tf.io.read_file("x")), "float32")


def run_python(logits):
    return tf.ensure_shape(
        tf.py_function(lambda x: x, [logits], tf.float32), logits.shape
    )


def run_numpy(logits):
    return tf.ensure_shape(
        tf.numpy_function(lambda x: x, [logits], tf.float32), logits.shape
    )


def print_to_a_file(logits):
    tf.print("gone", output_stream="file://written.txt")
    return logits


def read_lines(logits):
    for line in tf.data.TextLineDataset("x"):
        logits += tf.strings.to_number(line)
    return logits


def save_variables(logits):
    """What the saver may do, a signature may not."""
    tf.raw_ops.SaveV2(
        prefix="written",
        tensor_names=["a"],
        shape_and_slices=[""],
        tensors=[logits],
    )
    return logits


@pytest.mark.parametrize(
    ("act", "operation"),
    [
        (write_file, "WriteFile"),
        (write_later, "WriteFile"),
        (read_file, "ReadFile"),
        (run_python, "EagerPyFunc"),
        (run_numpy, "PyFunc"),
        (print_to_a_file, "PrintV2"),
        (read_lines, "TextLineDataset"),
        (save_variables, "SaveV2"),
    ],
)
def test_what_reaches_outside_is_not_opened(
    tmp_path, monkeypatch, capsys, act, operation
):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "m", act)
    image = write_image(tmp_path / "red.png", (200, 0, 0))
    before = sorted(tmp_path.iterdir())
    assert main(["predict", str(path), str(image)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "must only compute" in line and operation in line
    assert sorted(tmp_path.iterdir()) == before


def test_what_only_computes_is_opened(tmp_path):
    path = write(tmp_path / "m", lambda logits: logits)
    assert open_model(path).num_classes == 3


def test_decoding_an_image_is_computing(tmp_path):
    """`classify` has these operations; it reads no file."""
    network = make_colour_network()
    path = export_saved_model(network, tmp_path / "m", CLASSES)
    model = saved_model_pb2.SavedModel.FromString(
        (path / "saved_model.pb").read_bytes()
    )
    operations = {
        node.op
        for function in model.meta_graphs[0].graph_def.library.function
        for node in function.node_def
    }
    assert {"DecodeImage", "DecodeJpeg", "ExtractJpegShape"} <= operations
    assert open_model(path).info.class_names == CLASSES


def test_the_savers_function_is_no_signature(classifiers, tmp_path):
    """Its operations are allowed to the saver alone."""
    path = pathlib.Path(
        shutil.copytree(classifiers["c_saved_model"], tmp_path / "m")
    )
    model = saved_model_pb2.SavedModel.FromString(
        (path / "saved_model.pb").read_bytes()
    )
    graph = model.meta_graphs[0]
    (saver,) = (
        function.signature.name
        for function in graph.graph_def.library.function
        if any(node.op == "SaveV2" for node in function.node_def)
    )
    graph.object_graph_def.concrete_functions[saver].SetInParent()
    (path / "saved_model.pb").write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="must only compute.*SaveV2"):
        open_model(path)
