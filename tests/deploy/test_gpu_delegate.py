"""Which students LiteRT's GPU delegate runs as a whole.

An operation that it does not take stays on the CPU, with all that follows, and
the way between them costs more than the GPU saves.
"""

import pytest

from keras_artkd import models
from keras_artkd.deploy.export import export_tflite
from tests.models.families import small

SHAPE = (32, 32, 3)

# `NewOperationParser` of tflite/delegates/gpu/common/model_builder.cc, in
# google-ai-edge/LiteRT at commit 34ec5ba. What their page "GPU delegates for
# LiteRT" lists is a part of it, which lacks MEAN.
TAKEN = set(
    "ABS ADD ADD_N AVERAGE_POOL_2D BATCH_MATMUL CAST CONCATENATION CONV_2D COS "
    "CUMSUM DENSIFY DEPTHWISE_CONV_2D DEPTH_TO_SPACE DIV EQUAL ELU EXP FLOOR "
    "FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GELU GREATER GREATER_EQUAL "
    "HARD_SWISH LESS LESS_EQUAL LOGISTIC LOG LOGICAL_AND LSTM MAXIMUM "
    "MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL ONE_HOT PACK PAD "
    "PADV2 POW REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU RELU6 RELU_0_TO_1 "
    "RELU_N1_TO_1 LEAKY_RELU PRELU RESHAPE RESIZE_BILINEAR "
    "RESIZE_NEAREST_NEIGHBOR RSQRT SELECT SELECT_V2 SIGN SIN SLICE SOFTMAX "
    "SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE STRIDED_SLICE "
    "SUB SUM TANH TILE TRANSPOSE TRANSPOSE_CONV UNPACK".split()
)
# There, too (`IsAllAllowedTensors`).
MOST_DIMENSIONS = 4

# What it refuses of each kind of student; docs/deploy.md says so. Of the
# deeper ones a few blocks have all their operations.
STUDENTS = {
    "wrn_10_1": (lambda: models.build("wrn_10_1", 5, SHAPE), set()),
    "wrn_10_1 with AWGram": (
        lambda: models.build("wrn_10_1", 5, SHAPE, head="awgram"),
        {"L2_NORMALIZATION"},
    ),
    "efficientnet_lite0_first8": (
        lambda: models.build("efficientnet_lite0_first8", 5, SHAPE),
        set(),
    ),
    "mobilenet_v2": (lambda: small("mobilenet_v2"), set()),
    "shufflenet_v2": (
        lambda: small("shufflenet_v2"),
        {"RESHAPE: 5 dimensions", "TRANSPOSE: 5 dimensions"},
    ),
}


def graph_of(path):
    """The file's graph, and the name of each operator's operation."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    names = {
        code: name
        for name, code in vars(schema.BuiltinOperator).items()
        if isinstance(code, int)
    }
    model = flatbuffer_utils.read_model(str(path))
    codes = [
        max(code.builtinCode, code.deprecatedBuiltinCode)
        for code in model.operatorCodes
    ]
    (graph,) = model.subgraphs
    return graph, [names[codes[o.opcodeIndex]] for o in graph.operators]


def refused(path):
    """What the GPU delegate would not take, in words."""
    from ai_edge_litert import schema_py_generated as schema

    graph, names = graph_of(path)
    assert {"SOFTMAX", "FULLY_CONNECTED"} <= set(names)
    found = set(names) - TAKEN
    computed = {int(i) for o in graph.operators for i in o.outputs}
    for operator, name in zip(graph.operators, names, strict=True):
        for index in map(int, [*operator.inputs, *operator.outputs]):
            tensor = graph.tensors[index]
            shape = [] if tensor.shape is None else tensor.shape
            signature = tensor.shapeSignature
            if len(shape) > MOST_DIMENSIONS:
                found.add(f"{name}: {len(shape)} dimensions")
            if signature is not None and -1 in signature:
                found.add(f"{name}: open shape")
            if index in computed and tensor.type != schema.TensorType.FLOAT32:
                found.add(f"{name}: type {tensor.type}")
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            # As the others, at a larger cost.
            marks=[pytest.mark.exhaustive]
            if name in ("mobilenet_v2", "shufflenet_v2")
            else [],
        )
        for name in STUDENTS
    ],
)
def test_what_the_gpu_refuses(name, tmp_path):
    make, expected = STUDENTS[name]
    assert refused(export_tflite(make(), tmp_path / "m.tflite")) == expected


def test_an_open_batch_is_refused(tmp_path):
    make, _ = STUDENTS["wrn_10_1"]
    path = export_tflite(make(), tmp_path / "m.tflite", batch="open")
    assert "CONV_2D: open shape" in refused(path)
