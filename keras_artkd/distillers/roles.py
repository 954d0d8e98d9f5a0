"""A network in its role within a distiller."""

import keras

from keras_artkd.layers.batch_normalization import BatchNormalization
from keras_artkd.losses.base import Endpoints
from keras_artkd.models.endpoints import get_endpoints
from keras_artkd.models.folding import fold
from keras_artkd.models.functional import as_functional
from keras_artkd.models.resizing import resize_to
from keras_artkd.types import Tensor

STUDENT = "student"


class RoleNetwork:
    """A network in a role: one call gives all its endpoints.

    A plain object, so that Keras tracks the model where the distiller holds
    it and not a second time here.

    Attributes:
        role: what the distiller calls it: `"student"`, `"expert"`, ...
        model: the `keras.Model`.
        input_shape: of the network, batch first.
        specs: dict of endpoint name -> `keras.KerasTensor`.
    """

    def __init__(self, role: str, model: keras.Model) -> None:
        self.role = role
        self.model = model
        functional = as_functional(model)
        endpoints = get_endpoints(functional)
        self.input_shape = tuple(functional.inputs[0].shape)
        self.specs = {
            name: keras.KerasTensor(tensor.shape, tensor.dtype)
            for name, tensor in endpoints.items()
        }
        self._endpoint_model = fold(
            functional.inputs[0], endpoints, trained=True
        )

    def __call__(self, images: Tensor, training: bool) -> Endpoints:
        """Endpoints of a batch of images, from one forward pass."""
        endpoints: Endpoints = self._endpoint_model(
            resize_to(images, self.input_shape), training=training
        )
        return endpoints

    def complete(self, endpoints: Endpoints, labels: Tensor) -> Endpoints:
        """Endpoints with what needs the labels, which here is nothing.

        Args:
            endpoints: what a call gave.
            labels: of the same rows.
        """
        return endpoints

    def specs_of(self, rows: int | None) -> Endpoints:
        """`specs` for a number of rows; None for any number."""
        return {
            name: keras.KerasTensor((rows, *spec.shape[1:]), spec.dtype)
            for name, spec in self.specs.items()
        }

    def describe(self) -> str:
        """Names and shapes of the endpoints, for error messages."""
        shapes = ", ".join(
            f"{name} {tuple(spec.shape)}" for name, spec in self.specs.items()
        )
        return f"{self.role} {self.model.name!r} has {shapes}"


def freeze(model: keras.Model) -> None:
    """Makes a model untrainable, with every layer inside it."""
    # A loaded model can say that it is frozen while its layers are not. Keras
    # would then see no change.
    model.trainable = True
    model.trainable = False


def synchronize_batch_normalization(trained: keras.layers.Layer) -> None:
    """Makes the replicas of a strategy share their batches' statistics."""
    # Layers have no public list of what is inside, as models do.
    for layer in trained._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def leave_batch_normalization_to_xla(trained: keras.layers.Layer) -> None:
    """Gives a compiler Keras's own operations, see `BatchNormalization`."""
    for layer in trained._flatten_layers():
        if isinstance(layer, BatchNormalization):
            layer.fused = False
