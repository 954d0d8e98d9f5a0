"""LiteRT (TFLite): for phones, browsers and small devices.

What the file says of itself is TFLite's metadata, and a ZIP archive at its end,
as TFLite's associated files are: `unzip -l student.tflite` lists them.
"""

import pathlib
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_artkd.deploy.formats.base import ExportFormat, ModelError, Runtime
from keras_artkd.deploy.formats.converting import convert
from keras_artkd.deploy.formats.lite_graph import add_metadata, finish_graph
from keras_artkd.deploy.formats.lite_metadata import lite_metadata
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.deploy.model_info import (
    ModelInfo,
    read_archive,
    write_archive,
)
from keras_artkd.types import Array, Path

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def export_tflite(
    model: "keras.Model",
    path: Path,
    quantize: str = "none",
    calibration_images: Array | None = None,
    class_names: Sequence[str] | None = None,
    batch: str = "1",
) -> pathlib.Path:
    """Writes a LiteRT (TFLite) file of built-in operations only.

    It takes one image, `image`, raw pixels `(1, height, width, channels)`, and
    answers float32 `probabilities`, `(1, classes)`. With class names it has
    TFLite's metadata, so that MediaPipe Tasks takes it.

    - `none`: float32 throughout.
    - `float16`: weights stored as float16, computed in float32. Half the
      size, the same answers to three digits.
    - `int8`: integer weights and activations (an operation without an
      integer kernel, like a square, is computed in float32 between). A
      quarter of the size. Input uint8, raw pixels as a camera gives them
      (scale exactly 1, zero point 0); output float32.

    Args:
        model: a Keras model, one image in, logits out; one with
            heads for its training (`with_exits`) is written without them, one
            in mixed precision is converted in float32.
        path: the file to write, ending in `.tflite`; replaced if it exists.
        quantize: `"none"` (default), `"float16"` or `"int8"`.
        calibration_images: for `int8`, raw pixels in [0, 255], `(n, height,
            width, channels)`, uint8 or float: images like those that the
            network will see. The ranges of all activations are measured on
            them. A hundred or two of the training images are enough.
        class_names: list of str in the order of the logits, or None. They
            are put into the file with the preprocessing that `artkd predict`
            gives an image: its shorter side is resized to 9/8 of the
            network's input, then the central square is cut out.
        batch: `"1"` (default), which LiteRT.js and the delegates of GPUs and
            NPUs want, or `"open"`: the file starts at one image and can be
            resized to any number, as `LiteModel` does.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model, the path or an argument does not fit.
        OSError: if the path cannot be written.
    """
    from keras_artkd.deploy.formats.writing import export_model

    return export_model(
        FORMAT, model, path, quantize, calibration_images, class_names, batch
    )


class LiteRuntime(Runtime):
    """A `.tflite` file in LiteRT."""

    name = "LiteRT"

    def __init__(self, path: pathlib.Path) -> None:
        try:
            self._model = LiteModel(path)
        except ValueError as error:  # Says it in one line already.
            raise ModelError(str(error)) from error
        self.info = read_archive(path)
        self.input_shape = self._model.input_shape
        self.num_classes = self._model.num_classes

    def _run(self, images: Array) -> Array:
        return self._model.predict(images, len(images))


def _write(
    network: "keras.Model",
    path: pathlib.Path,
    signature: "tf.TensorSpec",
    quantize: str,
    images: Array | None,
    gives_logits: bool,
    info: ModelInfo | None,
) -> None:
    convert(network, path, signature, quantize, images)
    finish_graph(path, gives_logits)


def _write_info(path: pathlib.Path, info: ModelInfo) -> None:
    add_metadata(path, lite_metadata(info))
    # MediaPipe reads no compressed files.
    write_archive(path, info.files(), zipfile.ZIP_STORED)


FORMAT = ExportFormat(
    name="tflite",
    suffix=".tflite",
    open=LiteRuntime,
    write_info=_write_info,
    quantisations=("none", "float16", "int8"),
    write=_write,
    batch="1",
)
