"""Residual networks whose blocks share one recurrent attention."""

import keras
from keras import layers, ops

from keras_artkd.models.resnet import ResNet

# The attention's dense layers pass through so many times fewer channels.
REDUCTION = 4


@keras.saving.register_keras_serializable("keras_artkd")
class DIANet(ResNet):
    """ResNet with dense-and-implicit attention.

    In each group one LSTM-like unit, the same for all its blocks, reads the
    pooled residual of a block and remembers those of the blocks before; what
    it answers, a number in (0, 1) for each channel, multiplies the residual
    before the sum. A group begins with an empty memory.

    Arguments, endpoints and errors are those of `ResNet`. By name, `"dianet"`
    is built on ResNet-18, `"dianet34"` and `"dianet50"` on the other two
    columns of thesis 002's table 4.12.

    Example:
    >>> model = DIANet((2, 2), (16, 32), 10, input_shape=(32, 32, 3))
    >>> tuple(model.endpoints["group2"].shape)
    (None, 16, 16, 32)

    Reference: Huang et al., "DIANet: Dense-and-Implicit Attention Network",
    2019, https://arxiv.org/abs/1905.10671, as its authors' code has it.
    """

    @staticmethod
    def make_gate(dtype=None, name=None):
        """The unit that one group's residuals go through."""
        return _SharedAttention(dtype, f"{name}_attention")


class _SharedAttention:
    """An LSTM of reduced dense layers, unrolled over the blocks of a group."""

    def __init__(self, dtype, name):
        self.dtype = dtype
        self.name = name
        self.hidden = self.cell = None

    def __call__(self, residual, name):
        """Weights a block's residual.

        Args:
            residual: `(batch, height, width, channels)`.
            name: the beginning of the names of the block's layers.

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
        # Where an LSTM has a tanh: attention is not negative.
        self.hidden = ops.sigmoid(answer) * ops.sigmoid(self.cell)
        return residual * ops.reshape(self.hidden, (-1, 1, 1, channels))

    def _make_layers(self, channels, part):
        """Two dense layers, from channels to four gates for each."""
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
