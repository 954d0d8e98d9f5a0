"""Integers in place of a LiteRT file's floats, by ai-edge-quantizer.

Static quantisation: weights symmetric and by channel, activations by tensor in
ranges that calibration measures once. Reference: Jacob et al., "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, https://arxiv.org/abs/1712.05877.
"""

import os
import pathlib
from typing import Any

import numpy as np

from keras_artkd.deploy.formats.lite_graph import INPUT
from keras_artkd.types import Array

_SIGNATURE = "serving_default"


def quantize_lite(path: pathlib.Path, images: Array) -> None:
    """Quantises a float `.tflite` file to int8, in place.

    Input uint8, raw pixels (scale exactly 1, zero point 0); output float32. A
    softmax, and operations that the quantiser does not know, are computed in
    float32 between.

    Args:
        path: a file of `finish_graph`, float32, one signature.
        images: raw pixels in [0, 255], `(n, height, width, channels)`, on which
            the range of each activation is measured: its least and largest
            value.
    """
    from ai_edge_quantizer import calibrator, quantizer
    from ai_edge_quantizer.utils import qsv_utils

    recipe = _recipe()
    calibration = calibrator.Calibrator(
        str(path),
        num_threads=os.cpu_count() or 1,
        # Its own default is a moving average, which forgets most images.
        qsv_update_func=qsv_utils.min_max_update,
    )
    seen = [{INPUT: image[None].astype("float32")} for image in images]
    calibration.calibrate({_SIGNATURE: seen}, recipe)
    ranges = calibration.get_model_qsvs()
    # Scale 1 and zero point 0: the bytes of an image are the quantised input,
    # even where no calibration image has a black and a white pixel.
    shape = np.shape(ranges[INPUT]["min"])
    ranges[INPUT] = {
        "min": np.full(shape, 0.0, "float32"),
        "max": np.full(shape, 255.0, "float32"),
    }
    result = quantizer.Quantizer(
        str(path), recipe.get_quantization_recipe()
    ).quantize(ranges, enable_progress_report=False)
    path.write_bytes(result.quantized_model)


def _recipe() -> Any:
    """What the quantiser does with which operation."""
    from ai_edge_quantizer import algorithm_manager, qtyping, recipe_manager

    operations = qtyping.TFLOperationName
    bits = qtyping.TensorQuantizationConfig
    recipe = recipe_manager.RecipeManager()
    recipe.add_static_config(".*", operations.ALL_SUPPORTED, 8, 8)
    recipe.add_quantization_config(
        ".*",
        operations.INPUT,
        qtyping.OpQuantizationConfig(
            bits(8, symmetric=False, dtype=qtyping.TensorDataType.UINT),
            bits(8),
            qtyping.ComputePrecision.INTEGER,
        ),
    )
    # Probabilities in 256 steps would make near classes equal.
    for name in (operations.SOFTMAX, operations.OUTPUT):
        recipe.add_quantization_config(
            ".*",
            name,
            algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE,
        )
    return recipe
