"""What a SavedModel's graph would do, before TensorFlow loads and runs it."""

import pathlib
import re
from collections.abc import Iterator
from typing import Any

from keras_artkd.deploy.formats.base import UnsafeModel

# Operations that read or write files, talk to the network or to the terminal,
# run Python, or end the process, by the families of TensorFlow's names: no
# network needs one. Data sets read files, too.
_OUTSIDE = re.compile(
    ".*(File|Reader|Record|Dataset|PyFunc|Print|Dump|Debug|Summary|ImportEvent"
    "|Checkpoint|Save|Restore|Snapshot|Vocab|LoadAndRemap|Skipgram"
    "|UnigramCandidate|Proto|LMDB|Sql|ImmutableConst|Rpc|XlaCustomCall|XlaHost"
    "|^Abort$).*"
)
# How a SavedModel writes and reads its own variables.
_OF_SAVER = {"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"}


def check_graph(path: pathlib.Path) -> None:
    """Rejects a SavedModel whose graph does more than compute.

    It looks at the graph and all functions of all meta graphs. Operations that
    save and restore the model's own variables are allowed in a function that
    the saver alone calls. TensorFlow 1 kept them in the graph itself: its
    SavedModels are rejected.

    Args:
        path: the folder.

    Raises:
        UnsafeModel: if it does; the error names the operations.
        google.protobuf.message.DecodeError: if the file is damaged.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    content = (path / "saved_model.pb").read_bytes()
    found: set[str] = set()
    for graph in saved_model_pb2.SavedModel.FromString(content).meta_graphs:
        found |= _outside(graph)
    if found:
        raise UnsafeModel(
            "A SavedModel must only compute. Received: "
            f"{path}, which would run {', '.join(sorted(found))}: operations "
            "that reach files or run code outside of the graph. Fix: export "
            "it without them."
        )


def _outside(graph: Any) -> set[str]:
    """The operations of a meta graph that reach outside."""
    functions = graph.graph_def.library.function
    savers = _savers(graph)
    found = {node.op for node in graph.graph_def.node}
    for function in functions:
        operations = {node.op for node in function.node_def}
        if function.signature.name in savers:
            operations -= _OF_SAVER
        found |= operations
    return {operation for operation in found if _OUTSIDE.match(operation)}


def _savers(graph: Any) -> set[str]:
    """The functions that the saver alone calls."""
    saver = graph.saver_def
    roots = {saver.save_tensor_name.partition(":")[0], saver.restore_op_name}
    own: set[str] = set()
    others = set(graph.object_graph_def.concrete_functions)
    for node in graph.graph_def.node:
        (own if node.name in roots else others).update(_called(node))
    for function in graph.graph_def.library.function:
        for node in function.node_def:
            others.update(_called(node))
    return own - others


def _called(node: Any) -> Iterator[str]:
    """The functions that a node of a graph calls."""
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)
