"""Residual networks whose blocks share one recurrent attention."""

from collections.abc import Callable

import keras
from keras import layers, ops

from keras_artkd.layers.defaults import Policy
from keras_artkd.models.resnet import Gate, ResNet
from keras_artkd.types import Tensor

# The attention's hidden layers have so many times fewer channels.
REDUCTION = 4


@keras.saving.register_keras_serializable("keras_artkd")
class DIANet(ResNet):
    """ResNet with dense-and-implicit attention.

    Each group has one LSTM-like unit for all its blocks. It reads the pooled
    residual of a block and remembers those of the earlier blocks. Its output, a
    number in (0, 1) for each channel, multiplies the residual before the sum. A
    group starts with an empty memory.

    Arguments, endpoints and errors are those of `ResNet`. The network named
    `"dianet"` has the layers of ResNet-18; `"dianet34"` and `"dianet50"` are
    the other two columns of thesis 002's table 4.12.

    Example:
    >>> model = DIANet((2, 2), (16, 32), 10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["group2"].shape)
    (None, 16, 16, 32)

    Reference: Huang et al., "DIANet: Dense-and-Implicit Attention Network",
    2019, https://arxiv.org/abs/1905.10671, as its authors' code has it.
    """

    @staticmethod
    def make_gate(dtype: Policy = None, name: str | None = None) -> Gate:
        """Makes the attention unit of one group."""
        return _SharedAttention(dtype, f"{name}_attention")


class _SharedAttention:
    """An LSTM of reduced dense layers, unrolled over the blocks of a group."""

    def __init__(self, dtype: Policy, name: str) -> None:
        self.dtype = dtype
        self.name = name
        self.hidden: Tensor = None
        self.cell: Tensor = None

    def __call__(self, residual: Tensor, name: str | None) -> Tensor:
        """Weights a block's residual.

        Args:
            residual: `(batch, height, width, channels)`.
            name: prefix of the names of the block's layers.

        Returns:
            The residual, each channel times a number in (0, 1).
        """
        channels = residual.shape[-1]
        pool = layers.GlobalAveragePooling2D(
            dtype=self.dtype, name=f"{name}_attention_pool"
        )
        pooled = pool(residual)
        if self.hidden is None:
            self.from_input = self._make_layers(channels, "input")
            self.from_hidden = self._make_layers(channels, "hidden")
            self.hidden = self.cell = ops.zeros_like(pooled)
        gates = self.from_input(pooled) + self.from_hidden(self.hidden)
        write, keep, new, answer = ops.split(gates, 4, axis=-1)
        self.cell = ops.sigmoid(keep) * self.cell
        self.cell += ops.sigmoid(write) * ops.tanh(new)
        # In place of an LSTM's tanh: attention is not negative.
        self.hidden = ops.sigmoid(answer) * ops.sigmoid(self.cell)
        return residual * ops.reshape(self.hidden, (-1, 1, 1, channels))

    def _make_layers(
        self, channels: int, part: str
    ) -> Callable[[Tensor], Tensor]:
        """Makes two dense layers, from channels to four gates for each."""
        reduce = layers.Dense(
            max(1, channels // REDUCTION),
            activation="relu",
            dtype=self.dtype,
            name=f"{self.name}_{part}_reduce",
        )
        expand = layers.Dense(
            4 * channels, dtype=self.dtype, name=f"{self.name}_{part}_expand"
        )
        return lambda x: expand(reduce(x))
