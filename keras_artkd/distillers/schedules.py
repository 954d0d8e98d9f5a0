"""Weights that follow the epoch."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_artkd")
class LinearWarmup:
    """A transfer weight that grows linearly to its full value.

    `weight * min(epoch / epochs, 1)`, epochs counted from 1.

    Args:
        weight: float, the full weight.
        epochs: float > 0, in which epoch it is reached.
    """

    def __init__(self, weight, epochs):
        if not epochs > 0:
            raise ValueError(
                f"`epochs` must be positive. Received: epochs={epochs!r}."
            )
        self.weight = weight
        self.epochs = epochs

    def __call__(self, epoch):
        """The weight in an epoch, a scalar tensor."""
        return self.weight * ops.minimum(epoch / self.epochs, 1.0)

    def get_config(self):
        """Every constructor argument."""
        return {"weight": self.weight, "epochs": self.epochs}

    @classmethod
    def from_config(cls, config):
        """Rebuilds it from `get_config`."""
        return cls(**config)
