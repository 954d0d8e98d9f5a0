"""ONNX: for ONNX Runtime, on servers, desktops and in browsers."""

import contextlib
import logging
import warnings

import numpy as np

from keras_artkd.export.network import (
    check_calibration_images,
    check_class_names,
    check_file_target,
    check_quantize,
    input_spec,
    to_deploy,
    write_names,
)
from keras_artkd.files import replacing
from keras_artkd.runtimes import quiet_tensorflow

_INPUT = "image"


def export_onnx(
    model, path, quantize="none", calibration_images=None, class_names=None
):
    """Writes an ONNX file.

    Its input `image` takes raw pixels, float32 in [0, 255], `(batch, height,
    width, channels)` of any batch size; its output is float32 logits.

    Args:
        model: a functional Keras model, one image in, logits out; one with
            heads for its training (`with_exits`) is written without them.
        path: the file to write, ending in `.onnx`; replaced if it exists.
        quantize: `"none"` (default), `"float16"` (weights and activations)
            or `"int8"` (weights by channel, activations from measured
            ranges).
        calibration_images: for `int8`; see `export_tflite`.
        class_names: list of str, or None; see `export_tflite`.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model, the path or an argument does not fit.
        ImportError: without `tf2onnx` and `onnxruntime`.
        OSError: if the path cannot be written.
    """
    check_quantize(quantize)
    path = check_file_target(path, ".onnx")
    spec = input_spec(model)
    info = check_class_names(class_names, model)
    if quantize == "int8":
        calibration_images = check_calibration_images(
            calibration_images, spec.shape
        )
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"ONNX needs the package {error.name}. "
            "Fix: pip install keras_artkd[onnx]"
        ) from error
    with replacing(path) as temporary, _quiet_onnx():
        to_deploy(model).export(
            str(temporary),
            format="onnx",
            input_signature=[spec],
            verbose=False,
        )
        network = onnx.load(temporary)
        shape = network.graph.input[0].type.tensor_type.shape
        shape.dim[0].dim_param = "batch"
        if quantize == "float16":
            network = _in_float16(network)
        onnx.save(network, temporary)
        if quantize == "int8":
            _quantize_int8(temporary, calibration_images)
        write_names(temporary, info)
    return path


def _in_float16(network):
    from onnxruntime.transformers.float16 import convert_float_to_float16

    # Pixels and logits stay float32 for whoever calls.
    return convert_float_to_float16(network, keep_io_types=True)


def _quantize_int8(path, images):
    """Replaces a float32 ONNX file by its integer version."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.images = iter(images)

        def get_next(self):
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


@contextlib.contextmanager
def _quiet_onnx():
    """`quiet_tensorflow`, with the remarks of ONNX's tools held back too."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with quiet_tensorflow(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
