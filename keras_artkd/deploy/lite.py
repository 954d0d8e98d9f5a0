"""The runtime of `.tflite` classifiers.

It needs only NumPy and the package ai-edge-litert. So a device without
TensorFlow and Keras classifies exactly as was measured at the export.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_artkd.output import quiet
from keras_artkd.types import Array, Path


class LiteModel:
    """A `.tflite` classifier: raw pixels in, float32 probabilities out.

    Hides the differences between the kinds of file: quantised inputs and
    outputs, and the batch size. Files of earlier versions, and files from
    elsewhere, may answer logits.

    Args:
        path: the file.
        num_threads: threads of the interpreter and its CPU kernels
            (XNNPACK); all cores by default.

    Attributes:
        input_shape: `(height, width, channels)`.
        num_classes: int.

    Raises:
        ImportError: without the package `ai-edge-litert`.
        FileNotFoundError: if there is no such file.
        ValueError: if it is no LiteRT classifier of images.
    """

    def __init__(self, path: Path, num_threads: int | None = None) -> None:
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}.")
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ImportError(
                "Running a .tflite file needs the package ai-edge-litert. "
                "Fix: pip install ai-edge-litert"
            ) from error
        self._path = path
        with quiet(), _told(path):
            self._interpreter = Interpreter(
                model_path=str(path),
                num_threads=num_threads or os.cpu_count(),
            )
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        shapes = [tuple(x["shape_signature"]) for x in inputs + outputs]
        if [len(shape) for shape in shapes] != [4, 2]:
            raise ValueError(
                "The file must map one image (batch, height, width, "
                "channels) to an answer (batch, classes). Received: tensors "
                f"of shapes {shapes} in {path}."
            )
        self._input, self._output = inputs[0], outputs[0]
        height, width, channels = map(int, shapes[0][1:])
        self.input_shape = (height, width, channels)
        self.num_classes = int(shapes[1][1])
        # A file for one image may hold shapes that are for one alone.
        self._limit = 1 if shapes[0][0] == 1 else None
        self._batch_size: int | None = None

    def predict(self, images: Array, batch_size: int = 64) -> Array:
        """Returns the file's answers for images.

        Args:
            images: raw pixels in [0, 255], `(n, height, width, channels)`,
                uint8 or float.
            batch_size: images at once, if the file takes more than one.

        Returns:
            Probabilities, float32, `(n, classes)`.

        Raises:
            ValueError: if the images do not fit the network.
        """
        images = check_images("images", images, self._input["shape"])
        batch_size = self._limit or batch_size
        return np.concatenate(
            [
                self._run(images[start : start + batch_size])
                for start in range(0, len(images), batch_size)
            ]
        )

    def _run(self, images: Array) -> Array:
        index = self._input["index"]
        with _told(self._path):
            if len(images) != self._batch_size:
                self._interpreter.resize_tensor_input(index, images.shape)
                with quiet():
                    self._interpreter.allocate_tensors()
                self._batch_size = len(images)
            self._interpreter.set_tensor(index, _quantize(images, self._input))
            self._interpreter.invoke()
            answer: Array = self._interpreter.get_tensor(self._output["index"])
            return _dequantize(answer, self._output)


@contextlib.contextmanager
def _told(path: pathlib.Path) -> Iterator[None]:
    """Says in one line that a file is damaged, which LiteRT says in many."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ValueError(
            "The file must be a LiteRT model that runs. Received: "
            f"{path} ({reason}). Fix: if it is damaged, copy or export it "
            "again."
        ) from error


def _quantize(images: Array, tensor: Mapping[str, Any]) -> Array:
    if tensor["dtype"] == np.float32:
        return images.astype(np.float32)
    scale, zero_point = tensor["quantization"]
    limits = np.iinfo(tensor["dtype"])
    steps = np.round(images / np.float32(scale)) + zero_point
    return np.clip(steps, limits.min, limits.max).astype(tensor["dtype"])


def _dequantize(answer: Array, tensor: Mapping[str, Any]) -> Array:
    if tensor["dtype"] == np.float32:
        return answer
    scale, zero_point = tensor["quantization"]
    return (answer.astype(np.float32) - zero_point) * np.float32(scale)


def check_images(name: str, images: Any, input_shape: Sequence[Any]) -> Array:
    """Images as an array, if they fit the network's input.

    Args:
        name: the caller's name for them, for the error.
        images: raw pixels, `(n, height, width, channels)`.
        input_shape: of the network, batch first.

    Raises:
        ValueError: if the shape or the range of the pixels is another.
    """
    shape = tuple(int(size) for size in input_shape[1:])
    images = np.asarray(images)
    if images.shape[1:] != shape or len(images) == 0:
        raise ValueError(
            f"`{name}` must have shape (n, {', '.join(map(str, shape))}), n "
            f"> 0. Received: {name}.shape={images.shape}. Fix: resize to the "
            "network's input size and stack in a batch."
        )
    # Written so that a NaN fails too.
    if not (images.min() >= 0 and images.max() <= 255):
        raise ValueError(
            f"`{name}` must be raw pixels in [0, 255] (the network scales "
            f"inside). Received: values from {images.min()} to "
            f"{images.max()}. Fix: undo the scaling."
        )
    return images
