"""ONNX: for ONNX Runtime, on servers, desktops and in browsers.

What the file says of itself lies in the metadata properties of the model.
"""

import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_artkd.deploy.formats.base import (
    ExportFormat,
    Runtime,
    check_classifier,
)
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.types import Array, Path

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# The first with weights that are quantised by channel. Runtimes read all older
# ones, so this is the one that most of them take; the networks would have the
# same operations at 17.
OPSET = 13
_INPUT, _OUTPUT = "image", "probabilities"


def export_onnx(
    model: "keras.Model",
    path: Path,
    quantize: str = "none",
    calibration_images: Array | None = None,
    class_names: Sequence[str] | None = None,
    batch: str = "open",
) -> pathlib.Path:
    """Writes an ONNX file.

    Its input `image` takes raw pixels, float32 in [0, 255], `(batch, height,
    width, channels)`. Its output is float32 `probabilities`, `(batch,
    classes)`. The operations are those of ONNX's opset 13, of no other domain.

    Args:
        model: a Keras model, one image in, logits out; one with
            heads for its training (`with_exits`) is written without them.
        path: the file to write, ending in `.onnx`; replaced if it exists.
        quantize: `"none"` (default), `"float16"` (weights and activations)
            or `"int8"` (weights by channel, activations from measured
            ranges).
        calibration_images: for `int8`; see `export_tflite`.
        class_names: list of str, or None; see `export_tflite`.
        batch: `"open"` (default), any number of images, or `"1"`.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model, the path or an argument does not fit.
        ImportError: without `tf2onnx` and `onnxruntime`.
        OSError: if the path cannot be written.
    """
    from keras_artkd.deploy.formats.writing import export_model

    return export_model(
        FORMAT, model, path, quantize, calibration_images, class_names, batch
    )


class OnnxRuntime(Runtime):
    """An `.onnx` file in ONNX Runtime, on the CPU."""

    name = "ONNX Runtime"

    def __init__(self, path: pathlib.Path) -> None:
        self._session = _load(path)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.info = ModelInfo.from_files(metadata)
        inputs = self._session.get_inputs()
        outputs = self._session.get_outputs()
        self.input_shape, self.num_classes = check_classifier(
            path, [x.shape for x in inputs], [x.shape for x in outputs]
        )
        self._input = inputs[0].name

    def _run(self, images: Array) -> Array:
        (answers,) = self._session.run(None, {self._input: images})
        return answers


def _load(path: pathlib.Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            "Running an .onnx file needs the package onnxruntime. "
            "Fix: pip install keras_artkd[onnx]"
        ) from error
    options = onnxruntime.SessionOptions()
    # Without it integer sums overflow on x86 processors with AVX2 and without
    # VNNI: an int8 file answers otherwise there. Other processors ignore it.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )


def _write_info(path: pathlib.Path, info: ModelInfo) -> None:
    import onnx

    model = onnx.load(path)
    for name, text in info.files().items():
        model.metadata_props.add(key=name, value=text)
    onnx.save(model, path)


def _write(
    network: "keras.Model",
    path: pathlib.Path,
    signature: "tf.TensorSpec",
    quantize: str,
    images: Array | None,
    gives_logits: bool,
    info: ModelInfo | None,
) -> None:
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"ONNX needs the package {error.name}. "
            "Fix: pip install keras_artkd[onnx]"
        ) from error
    network.export(
        str(path),
        format="onnx",
        input_signature=[signature],
        verbose=False,
        opset_version=OPSET,
    )
    graph = onnx.load(path)
    if signature.shape[0] is None:
        for tensor in (*graph.graph.input, *graph.graph.output):
            tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    if quantize == "float16":
        graph = _in_float16(graph)
    onnx.save(graph, path)
    if images is not None:
        _quantize_int8(path, images)
    _finish(path, gives_logits)


def _finish(path: pathlib.Path, gives_logits: bool) -> None:
    """Makes a file answer `probabilities`, computed in float32."""
    import onnx

    model = onnx.load(path)
    (output,) = model.graph.output
    # A softmax that is there already is only given the name.
    operation = "Softmax" if gives_logits else "Identity"
    last = onnx.helper.make_node(
        operation, [output.name], [_OUTPUT], name=_OUTPUT
    )
    if gives_logits:
        last.attribute.append(onnx.helper.make_attribute("axis", -1))
    model.graph.node.append(last)
    output.name = _OUTPUT
    # The quantiser names domains that no operation is of; other runtimes do not
    # know them.
    used = {node.domain for node in model.graph.node}
    for unused in [x for x in model.opset_import if x.domain not in used]:
        model.opset_import.remove(unused)
    onnx.save(model, path)


def _in_float16(graph: Any) -> Any:
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    # Pixels and logits stay float32 for the caller.
    converted = OnnxModel(convert_float_to_float16(graph, keep_io_types=True))
    # It writes the cast of the pixels last, which ONNX forbids.
    converted.topological_sort()
    return converted.model


def _quantize_int8(path: pathlib.Path, images: Array) -> None:
    """Replaces a float32 ONNX file by its integer version."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.images: Iterator[Array] = iter(images)

        def get_next(self) -> dict[str, Array] | None:
            image = next(self.images, None)
            if image is None:
                return None
            return {_INPUT: image[None].astype(np.float32)}

    prepared = path.with_name(f"prepared-{path.name}")
    quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
    quantization.quantize_static(
        str(prepared),
        str(path),
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
    )


FORMAT = ExportFormat(
    name="onnx",
    suffix=".onnx",
    open=OnnxRuntime,
    write_info=_write_info,
    quantisations=("none", "float16", "int8"),
    write=_write,
)
