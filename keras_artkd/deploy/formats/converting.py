"""TensorFlow's converters, in this process or in one of its own.

That of LiteRT is native code: it keeps memory after each call, and where it
fails hard it takes its process with it. And where Keras computes with JAX, a
process of its own is where it has TensorFlow.
"""

import contextlib
import contextvars
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.output import import_tensorflow
from keras_artkd.types import Array

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_IMAGES = "images.npy"
_NETWORK = "network.keras"
_SERVE = (
    "import sys; from keras_artkd.deploy.formats.converting import serve; "
    "serve(int(sys.argv[1]))"
)


class ConversionError(RuntimeError):
    """What the converter's process said, or how it ended."""


def convert(
    network: "keras.Model",
    path: pathlib.Path,
    signature: "tf.TensorSpec",
    quantize: str,
    images: Array | None,
) -> None:
    """Writes a `.tflite` file of built-in operations.

    Args:
        network: a Keras network.
        path: the file to write.
        signature: its input.
        quantize: `"none"`, `"float16"` or `"int8"`.
        images: for int8, raw pixels in [0, 255], `(n, height, width,
            channels)`, on which the range of each activation is measured.

    Raises:
        ConversionError: within `converter_process`, if the conversion fails
            or its process ends. Otherwise the converter's own errors.
    """
    import keras

    worker = _worker.get()
    # The short way, from a concrete function, leaves Keras 3 variables
    # unfrozen, and the file answers NaN.
    archive = keras.export.ExportArchive()
    archive.track_and_add_endpoint("serve", network, [signature])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        if images is not None:
            np.save(pathlib.Path(folder, _IMAGES), images)
        if worker is None:
            _convert(folder, str(path), quantize)
        else:
            worker.run("convert", folder, str(path), quantize)


def write_elsewhere(
    file_format: str,
    network: "keras.Model",
    path: pathlib.Path,
    signature: "tf.TensorSpec",
    quantize: str,
    images: Array | None,
    gives_logits: bool,
    info: ModelInfo | None,
) -> None:
    """Writes a network where Keras computes with TensorFlow.

    Args:
        file_format: str, name of an `ExportFormat`.
        network: a Keras network that its file describes.
        path: what to write.
        signature: of its input, as all that follows an argument of `Write`.
        quantize: one of the quantisations that the format offers.
        images: for int8, `(n, height, width, channels)`.
        gives_logits: whether the network answers logits.
        info: what is known of its classes, or None.

    Raises:
        ConversionError: if the conversion fails or its process ends.
    """
    worker = _worker.get()
    if worker is None:
        with converter_process():
            write_elsewhere(
                file_format,
                *(network, path, signature, quantize),
                *(images, gives_logits, info),
            )
        return
    with tempfile.TemporaryDirectory() as folder:
        network.save(pathlib.Path(folder, _NETWORK))
        if images is not None:
            np.save(pathlib.Path(folder, _IMAGES), images)
        worker.run(
            "write",
            *(file_format, folder, str(path), tuple(signature.shape)),
            *(quantize, gives_logits, info),
        )


@contextlib.contextmanager
def converter_process() -> Iterator[None]:
    """Lets all conversions within run in one process, which ends with them.

    It starts with the first conversion, anew after one that ended it, and takes
    no GPU.
    """
    worker = _Worker()
    token = _worker.set(worker)
    try:
        yield
    finally:
        _worker.reset(token)
        worker.close()


class _Worker:
    """The parent's side of a converter's process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def run(self, task: str, *arguments: Any) -> None:
        """Has the process do a task, one of those that `serve` knows."""
        if self._process is None:
            self._start()
        assert self._process is not None and self._connection is not None
        try:
            self._connection.send((task, *arguments))
            failure = self._connection.recv()
        except (EOFError, OSError) as error:
            process = self._process
            self.close()
            raise ConversionError(
                f"The converter's process {_how_ended(process.returncode)}."
            ) from error
        if failure is not None:
            raise ConversionError(failure)

    def _start(self) -> None:
        self._connection, other = multiprocessing.Pipe()
        # Not `multiprocessing`'s own: it runs the main module of whoever
        # trains, which need not be written for that.
        path = [os.path.abspath(place) for place in sys.path]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVE, str(other.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[other.fileno()],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path),
                "KERAS_BACKEND": "tensorflow",
                "CUDA_VISIBLE_DEVICES": "-1",
            },
        )
        other.close()

    def close(self) -> None:
        """Ends the process, which waits for a task."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.wait()
        self._process = self._connection = None


_worker: contextvars.ContextVar[_Worker | None] = contextvars.ContextVar(
    "converter", default=None
)


def _how_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    name = signal.Signals(-status).name
    why = ", as for lack of memory" if name == "SIGKILL" else ""
    return f"was ended by {name}{why}"


def serve(descriptor: int) -> None:
    """The converter's process: converts until the parent's end is closed.

    Args:
        descriptor: of a `Connection`, which gives tasks, names with
            arguments, and takes None, or what went wrong.
    """
    connection = Connection(descriptor)
    tasks: dict[str, Callable[..., None]] = {
        "convert": _convert,
        "write": _write,
    }
    import_tensorflow()
    # The parent may be gone while this one still converts.
    with contextlib.suppress(EOFError, OSError):
        while True:
            name, *arguments = connection.recv()
            failure = None
            try:
                tasks[name](*arguments)
            except Exception as error:  # The converter raises any type.
                failure = f"{type(error).__name__}: {error}"
            connection.send(failure)


def _write(
    file_format: str,
    folder: str,
    path: str,
    shape: tuple[int | None, ...],
    quantize: str,
    gives_logits: bool,
    info: ModelInfo | None,
) -> None:
    import tensorflow as tf

    from keras_artkd.deploy.formats import get_export_format
    from keras_artkd.deploy.formats.keras_file import load_keras_model

    images = pathlib.Path(folder, _IMAGES)
    get_export_format(file_format).write(
        load_keras_model(pathlib.Path(folder, _NETWORK)),
        pathlib.Path(path),
        tf.TensorSpec(shape, tf.float32, name="image"),
        quantize,
        np.load(images) if images.exists() else None,
        gives_logits,
        info,
    )


def _convert(folder: str, path: str, quantize: str) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.experimental_enable_resource_variables = True
    # TensorFlow's own operations would be allowed, which a plain interpreter
    # does not have.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        images = np.load(pathlib.Path(folder, _IMAGES))
        converter.representative_dataset = lambda: _examples(images)
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        ]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.float32
    pathlib.Path(path).write_bytes(converter.convert())


def _examples(images: Array) -> Iterator[list[Array]]:
    """What the ranges of int8 are measured on."""
    for index, image in enumerate(images.astype("float32")):
        if index == 0:
            # Two numbers fix the input's range to [0, 255], hence its scale to
            # 1 and its zero point to 0. Then the bytes of an image are the
            # quantised input, even where no calibration image has a black and
            # a white pixel.
            image.flat[0], image.flat[-1] = 0.0, 255.0
        yield [image[None]]
