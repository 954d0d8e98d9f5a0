"""One face for what runs a model file: pixels in, logits out.

Each runtime has `name`, `input_shape` `(height, width, 3)`, `num_classes`,
`info` (a `ModelInfo` or `None`) and `predict(images, batch_size)`. Its
library is imported when a file of its kind is opened, no sooner.
"""

import contextlib
import pathlib

import numpy as np

from keras_artkd.lite import LiteModel, check_images, quiet
from keras_artkd.model_info import ModelInfo, read_info


def open_model(path):
    """Opens a model file with the runtime that its kind asks for.

    Args:
        path: a `.tflite`, `.keras` or `.onnx` file, or a SavedModel folder.

    Returns:
        A runtime, see above.

    Raises:
        ValueError: if there is no such file, it is of no known kind, or no
            classifier of images.
        ImportError: if its library is not installed.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"There is no model {path}. Fix: check the path.")
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise ValueError(
                "A model's folder must be a SavedModel. Received: "
                f"{path}, without saved_model.pb. Fix: the folder saved_model "
                "or a file student.* inside a run's folder."
            )
        return _opened(SavedModelRuntime, path)
    if path.suffix not in _RUNTIMES:
        raise ValueError(
            f"A model must be one of {', '.join(_RUNTIMES)} or a SavedModel "
            f"folder. Received: {path}."
        )
    return _opened(_RUNTIMES[path.suffix], path)


class NotAClassifier(ValueError):
    """A model that does something else than classify images."""


class _Runtime:
    """What runtimes share: checks, batches."""

    def predict(self, images, batch_size=64):
        """Returns float32 logits `(n, classes)` of raw pixels.

        Args:
            images: in [0, 255], `(n, height, width, 3)`, uint8 or float.
            batch_size: images at once.

        Raises:
            ValueError: if the images do not fit the network.
        """
        images = check_images("images", images, (None, *self.input_shape))
        return np.concatenate(
            [
                self._run(images[start : start + batch_size].astype("float32"))
                for start in range(0, len(images), batch_size)
            ]
        )


class LiteRuntime:
    """A `.tflite` file in LiteRT."""

    name = "LiteRT"

    def __init__(self, path):
        self._model = LiteModel(path)
        self.info = read_info(path)
        self.input_shape = self._model.input_shape
        self.num_classes = self._model.num_classes

    def predict(self, images, batch_size=64):
        """See `LiteModel.predict`."""
        return self._model.predict(images, batch_size)


class KerasRuntime(_Runtime):
    """A `.keras` file, or a Keras model, in Keras."""

    name = "Keras"

    def __init__(self, path):
        self.info = None
        self._model = path
        if isinstance(path, pathlib.Path):
            self.info = read_info(path)
            self._model = load_keras_model(path)
        inputs = [tuple(x.shape) for x in self._model.inputs]
        outputs = [tuple(x.shape) for x in self._model.outputs]
        _check_shapes(path, inputs, outputs)
        self.input_shape = inputs[0][1:]
        self.num_classes = outputs[0][-1]

    def _run(self, images):
        return np.asarray(self._model.predict_on_batch(images), "float32")


class SavedModelRuntime(_Runtime):
    """A SavedModel folder in TensorFlow, by its `serving_default`."""

    name = "TensorFlow"

    def __init__(self, path):
        self.info = read_info(path)
        network = _load_saved_model(path)
        if "serving_default" not in network.signatures:
            raise NotAClassifier(
                "A SavedModel must have the signature serving_default. "
                f"Received: {path} with {sorted(network.signatures)}."
            )
        self._signature = network.signatures["serving_default"]
        # The signature lives no longer than what it came from.
        self._network = network
        ((self._input, spec),) = self._signature.structured_input_signature[
            1
        ].items()
        outputs = list(self._signature.structured_outputs.values())
        _check_shapes(path, [spec.shape], [output.shape for output in outputs])
        self.input_shape = tuple(spec.shape[1:])
        self.num_classes = outputs[0].shape[-1]

    def _run(self, images):
        import tensorflow as tf

        (logits,) = self._signature(
            **{self._input: tf.constant(images)}
        ).values()
        return logits.numpy()


class OnnxRuntime(_Runtime):
    """An `.onnx` file in ONNX Runtime, on the CPU."""

    name = "ONNX Runtime"

    def __init__(self, path):
        self._session = _load_onnx(path)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.info = ModelInfo.from_files(metadata)
        inputs, outputs = (
            self._session.get_inputs(),
            self._session.get_outputs(),
        )
        _check_shapes(
            path, [x.shape for x in inputs], [x.shape for x in outputs]
        )
        self._input = inputs[0].name
        self.input_shape = tuple(inputs[0].shape[1:])
        self.num_classes = outputs[0].shape[-1]

    def _run(self, images):
        return self._session.run(None, {self._input: images})[0]


_RUNTIMES = {
    ".tflite": LiteRuntime,
    ".keras": KerasRuntime,
    ".onnx": OnnxRuntime,
}


def _opened(load, path):
    """`load(path)`; whatever a damaged file makes a library say, in a line."""
    try:
        return load(path)
    except (ImportError, NotAClassifier):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ValueError(
            f"The model cannot be read. Received: {path} ({reason})."
        ) from error


def load_keras_model(path):
    """A `.keras` file's model, the package's classes known to Keras."""
    # TensorFlow talks when it is imported, before it can be told not to.
    with quiet():
        import keras

        import keras_artkd

        assert keras_artkd.models
    return keras.models.load_model(path, compile=False)


def _load_saved_model(path):
    with quiet():
        import tensorflow as tf
    with quiet_tensorflow():
        return tf.saved_model.load(str(path))


def _load_onnx(path):
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            "Running an .onnx file needs the package onnxruntime. "
            "Fix: pip install keras_artkd[onnx]"
        ) from error
    return onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )


def _check_shapes(path, inputs, outputs):
    shapes = [tuple(shape) for shape in (*inputs, *outputs)]
    if (
        [len(shape) for shape in shapes] != [4, 2]
        or shapes[0][-1] != 3
        or any(not isinstance(size, int) for size in shapes[0][1:])
    ):
        raise NotAClassifier(
            "A model must map one image (batch, height, width, 3) to logits "
            f"(batch, classes). Received: {path} with tensors of shapes "
            f"{shapes}."
        )


@contextlib.contextmanager
def quiet_tensorflow():
    """`quiet`, with TensorFlow's log messages from Python held back too."""
    from absl import logging as absl_logging

    verbosity = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    try:
        with quiet():
            yield
    finally:
        absl_logging.set_verbosity(verbosity)
