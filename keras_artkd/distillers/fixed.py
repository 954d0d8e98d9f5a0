"""What a traced training step has read, and would not read again."""

from typing import Any

from keras_artkd.distillers.schedules import Weight


class FixedWeights(tuple[Weight, ...]):
    """Weights of a distiller, which its traced step holds as they are."""

    def __setitem__(self, index: Any, value: Any) -> None:
        """Refuses: the step would not see it."""
        raise AttributeError(fixed_message("transfer_weights"))


def fixed_message(name: str) -> str:
    """The message about an attribute that a traced step has already read."""
    return (
        f"`{name}` is part of the training step, which would go on with the "
        "old value. Received: another one. Fix: give the constructor a "
        "callable of the epoch for a weight that changes, such as "
        "keras_artkd.distillers.LinearWarmup; or make a new one."
    )
