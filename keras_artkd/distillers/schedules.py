"""Weights that follow the epoch."""

from collections.abc import Callable, Iterable
from typing import Any, Self, TypeAlias

import keras
from keras import ops

from keras_artkd.types import Tensor

Weight: TypeAlias = float | Callable[[Tensor], Tensor]
"""A number, or a serialisable callable of the epoch, counted from 1."""


def weight_at(weight: Weight, epoch: Tensor) -> Tensor:
    """The value of a weight in an epoch.

    Args:
        weight: a number, or a schedule: a callable of the epoch.
        epoch: float tensor, counted from 1.
    """
    return weight(epoch) if callable(weight) else weight


class Schedule:
    """Base of serialisable schedules: arguments are attributes."""

    arguments: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in self.arguments
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
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
        epochs: float > 0, the epoch in which it is reached.
    """

    arguments = ("weight", "epochs")

    def __init__(self, weight: float, epochs: float) -> None:
        _check_epochs(epochs)
        self.weight = weight
        self.epochs = epochs

    def __call__(self, epoch: Tensor) -> Tensor:
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

    def __init__(self, first: float, then: float, epochs: float) -> None:
        _check_epochs(epochs)
        self.first = first
        self.then = then
        self.epochs = epochs

    def __call__(self, epoch: Tensor) -> Tensor:
        """The weight in an epoch, a scalar tensor."""
        return ops.where(epoch <= self.epochs, self.first, self.then)


@keras.saving.register_keras_serializable("keras_artkd")
class Product(Schedule):
    """A product of weights, some of which follow the epoch.

    Args:
        factors: list of numbers and schedules.
    """

    arguments = ("factors",)

    def __init__(self, factors: Iterable[Weight]) -> None:
        self.factors = list(factors)

    def __call__(self, epoch: Tensor) -> Tensor:
        """The weight in an epoch, a scalar tensor."""
        product = 1.0
        for factor in self.factors:
            product = product * weight_at(factor, epoch)
        return product


def _check_epochs(epochs: float) -> None:
    if not epochs > 0:
        raise ValueError(
            f"`epochs` must be positive. Received: epochs={epochs!r}."
        )
