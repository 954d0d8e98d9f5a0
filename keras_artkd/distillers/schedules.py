"""Weights that follow the epoch."""

import keras
from keras import ops


def weight_at(weight, epoch):
    """The value of a weight in an epoch, counted from 1.

    Args:
        weight: a number, or a schedule: a callable of the epoch.
        epoch: float tensor.
    """
    return weight(epoch) if callable(weight) else weight


class Schedule:
    """Base of serialisable schedules: arguments are attributes."""

    arguments = ()

    def get_config(self):
        """Every constructor argument."""
        return {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in self.arguments
        }

    @classmethod
    def from_config(cls, config):
        """Rebuilds it from `get_config`."""
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value)
                for name, value in config.items()
            }
        )


@keras.saving.register_keras_serializable("keras_artkd")
class LinearWarmup(Schedule):
    """A weight that grows linearly to its full value.

    `weight * min(epoch / epochs, 1)`, epochs counted from 1.

    Args:
        weight: float, the full weight.
        epochs: float > 0, in which epoch it is reached.
    """

    arguments = ("weight", "epochs")

    def __init__(self, weight, epochs):
        _check_epochs(epochs)
        self.weight = weight
        self.epochs = epochs

    def __call__(self, epoch):
        """The weight in an epoch, a scalar tensor."""
        return self.weight * ops.minimum(epoch / self.epochs, 1.0)


@keras.saving.register_keras_serializable("keras_artkd")
class Stages(Schedule):
    """A weight for the first epochs and another for the rest.

    Args:
        first: float, the weight in the first stage.
        then: float, the weight after it.
        epochs: float > 0, how long the first stage is.
    """

    arguments = ("first", "then", "epochs")

    def __init__(self, first, then, epochs):
        _check_epochs(epochs)
        self.first = first
        self.then = then
        self.epochs = epochs

    def __call__(self, epoch):
        """The weight in an epoch, a scalar tensor."""
        return ops.where(epoch <= self.epochs, self.first, self.then)


@keras.saving.register_keras_serializable("keras_artkd")
class Product(Schedule):
    """A product of weights, of which some follow the epoch.

    Args:
        factors: list of numbers and schedules.
    """

    arguments = ("factors",)

    def __init__(self, factors):
        self.factors = list(factors)

    def __call__(self, epoch):
        """The weight in an epoch, a scalar tensor."""
        product = 1.0
        for factor in self.factors:
            product = product * weight_at(factor, epoch)
        return product


def _check_epochs(epochs):
    if not epochs > 0:
        raise ValueError(
            f"`epochs` must be positive. Received: epochs={epochs!r}."
        )
