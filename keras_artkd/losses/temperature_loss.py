"""The base of losses on predictions softened by a temperature."""

from keras import ops

from keras_artkd.losses.transfer_loss import TransferLoss


class TemperatureLoss(TransferLoss):
    """A transfer loss on logits with a softmax temperature.

    Args:
        temperature: float > 0. Defaults to 4.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(self, temperature=4.0, teacher="expert", **kwargs):
        super().__init__(teacher=teacher, **kwargs)
        check_temperature(temperature)
        self.temperature = temperature

    def get_config(self):
        """Every constructor argument."""
        return {**super().get_config(), "temperature": self.temperature}


def check_temperature(temperature):
    """Raises ValueError unless a softmax temperature is positive."""
    if not temperature > 0:
        raise ValueError(
            "`temperature` must be positive (it divides the logits). "
            f"Received: temperature={temperature!r}."
        )


def log_probabilities(logits, temperature):
    """`log softmax(logits / temperature)` in float32, over the classes."""
    return ops.log_softmax(ops.cast(logits, "float32") / temperature)
