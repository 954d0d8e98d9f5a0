"""What networks made from another network share."""

import keras


class WrappedModel(keras.Model):
    """Base of networks that have every layer of another, and its name.

    A subclass adds endpoints, layers or another output, and its own arguments
    to `get_config`. One that adds layers sets `trainable` after them.

    Args:
        model: a functional `keras.Model` of one input.
        outputs: KerasTensor, by default the model's output.
        name: str, by default the model's.
        trainable: bool.
    """

    def __init__(self, model, outputs=None, name=None, trainable=True):
        super().__init__(
            inputs=model.inputs[0],
            outputs=model.outputs[0] if outputs is None else outputs,
            name=name or model.name,
        )
        # Afterwards: given to `super`, it would miss the layers.
        self.trainable = trainable
        self.dtype_policy = model.dtype_policy
        # In a function, which Keras does not track: the layers are already
        # ours, and must not be counted and saved twice.
        self._wrapped = lambda: model

    def unwrap(self):
        """The network that this one was made from."""
        return self._wrapped()

    def get_config(self):
        """The wrapped network's own configuration, name and trainability."""
        return {
            "model": keras.saving.serialize_keras_object(self.unwrap()),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuilds the wrapped network, then what is made of it."""
        config = dict(config)
        config["model"] = keras.saving.deserialize_keras_object(
            config["model"], custom_objects=custom_objects
        )
        return cls(**config)
