"""What a converter's LiteRT graph gets besides: a softmax, names, metadata.

The softmax is added to the finished graph, not to the network: a quantiser
would round probabilities to 256 steps, where near classes are equal.
"""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_artkd.deploy.formats.lite_metadata import NAME

# Of the file's input and output, in its tensors, signature and metadata.
INPUT, OUTPUT = "image", "probabilities"


def finish_graph(path: pathlib.Path, gives_logits: bool) -> None:
    """Makes a graph answer probabilities, in place; names what it has.

    Args:
        path: a `.tflite` file, one image in, float32 out.
        gives_logits: whether it has no softmax yet.
    """

    def change(model: Any) -> None:
        if gives_logits:
            _add_softmax(model)
        graph, signature = model.subgraphs[0], model.signatureDefs[0]
        for name, index, of_signature in (
            (INPUT, graph.inputs[0], signature.inputs[0]),
            (OUTPUT, graph.outputs[0], signature.outputs[0]),
        ):
            graph.tensors[index].name = name
            of_signature.name, of_signature.tensorIndex = name, index

    _rewrite(path, change)


def _add_softmax(model: Any) -> None:
    """Appends a softmax of the output, in float32."""
    from ai_edge_litert import schema_py_generated as schema

    softmax = schema.BuiltinOperator.SOFTMAX
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = softmax
    code.version = 1
    model.operatorCodes.append(code)

    graph = model.subgraphs[0]
    (logits,) = graph.outputs
    output = schema.TensorT()
    output.type = schema.TensorType.FLOAT32
    output.shape = graph.tensors[logits].shape
    output.shapeSignature = graph.tensors[logits].shapeSignature
    # Buffer 0 is the empty one, of tensors that are computed.
    output.buffer = 0
    graph.tensors.append(output)

    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = [logits]
    operator.outputs = [len(graph.tensors) - 1]
    operator.builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
    operator.builtinOptions = options
    graph.operators.append(operator)
    graph.outputs = operator.outputs


def add_metadata(path: pathlib.Path, metadata: bytes) -> None:
    """Puts TFLite metadata into a file that has none, in place.

    Args:
        path: a `.tflite` file without an archive at its end.
        metadata: of `keras_artkd.deploy.formats.lite_metadata`.
    """

    def change(model: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        buffer = schema.BufferT()
        buffer.data = np.frombuffer(metadata, "uint8")
        model.buffers.append(buffer)
        entry = schema.MetadataT()
        entry.name, entry.buffer = NAME, len(model.buffers) - 1
        model.metadata = [*(model.metadata or []), entry]

    _rewrite(path, change)


def _rewrite(path: pathlib.Path, change: Callable[[Any], None]) -> None:
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(path))
    change(model)
    path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
