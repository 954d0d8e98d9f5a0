"""Keras files: the format that training writes, for training and exports.

What the file says of itself lies in its ZIP archive, as files beside Keras's.
"""

import pathlib
from typing import TYPE_CHECKING

import numpy as np

from keras_artkd.deploy.formats.base import (
    ModelFormat,
    Runtime,
    UnreadableModel,
    check_classifier,
)
from keras_artkd.deploy.model_info import (
    ModelInfo,
    read_archive,
    write_archive,
)
from keras_artkd.output import quiet
from keras_artkd.types import Array

if TYPE_CHECKING:
    import keras


class KerasRuntime(Runtime):
    """A `.keras` file, or a Keras model, in Keras."""

    name = "Keras"

    def __init__(self, model: "pathlib.Path | keras.Model") -> None:
        self.info = None
        self._model: keras.Model = model
        if isinstance(model, pathlib.Path):
            self.info = read_archive(model)
            self._model = load_keras_model(model)
        from keras_artkd.models.functional import as_functional

        graph = as_functional(self._model)
        self.input_shape, self.num_classes = check_classifier(
            model,
            [x.shape for x in graph.inputs],
            [x.shape for x in graph.outputs],
        )

    def _run(self, images: Array) -> Array:
        return np.asarray(self._model.predict_on_batch(images), "float32")


def load_keras_model(path: pathlib.Path) -> "keras.Model":
    """Loads a `.keras` file that may hold classes of this package.

    Raises:
        UnreadableModel: if it is no such file, is damaged, or asks for more
            memory than a network of its size.
    """
    # TensorFlow writes messages when it is imported.
    with quiet():
        import keras

        # Makes the package's classes known to Keras.
        from keras_artkd import Distiller  # noqa: F401
        from keras_artkd.models.keras_file import check_keras_file
    try:
        check_keras_file(path)
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # zipfile, HDF5 and Keras raise many types.
        raise UnreadableModel(path, error) from error


def _write_info(path: pathlib.Path, info: ModelInfo) -> None:
    write_archive(path, info.files("logits"))


FORMAT = ModelFormat("keras", ".keras", KerasRuntime, _write_info)
