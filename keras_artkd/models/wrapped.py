"""The base class of networks that are made from another network."""

from typing import Any, Self

import keras

from keras_artkd.types import Tensor


class WrappedModel(keras.Model):
    """A network with all layers of another network, and its name.

    A subclass adds endpoints, layers or another output, and its own arguments
    to `get_config`. If it adds layers, it sets `trainable` after them.

    Args:
        model: a functional `keras.Model` with one input.
        outputs: KerasTensor, by default the model's output.
        name: str, by default the model's.
        trainable: bool.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: Tensor | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(
            inputs=model.inputs[0],
            outputs=model.outputs[0] if outputs is None else outputs,
            name=name or model.name,
        )
        # Not an argument of `super`: there it would not reach the layers.
        self.trainable = trainable
        self.dtype_policy = model.dtype_policy
        # Keras does not track a function. The layers are already ours, and
        # must not be counted and saved twice.
        self._wrapped = lambda: model

    def unwrap(self) -> keras.Model:
        """Returns the network that this one was made from."""
        return self._wrapped()

    def get_config(self) -> dict[str, Any]:
        """Returns the wrapped network's configuration, name, `trainable`."""
        return {
            "model": keras.saving.serialize_keras_object(self.unwrap()),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
    ) -> Self:
        """Rebuilds the wrapped network, then the one made from it."""
        config = dict(config)
        config["model"] = keras.saving.deserialize_keras_object(
            config["model"], custom_objects=custom_objects
        )
        return cls(**config)
