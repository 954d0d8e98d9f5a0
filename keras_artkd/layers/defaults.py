"""PyTorch's defaults of layers and initialisers."""

from typing import TypeAlias

import keras

from keras_artkd.layers.batch_normalization import BatchNormalization

Policy: TypeAlias = str | keras.DTypePolicy | None
"""A dtype policy or its name; None for the global one."""


def batch_norm(
    dtype: Policy = None, name: str | None = None
) -> BatchNormalization:
    """Makes a layer of batch normalisation with PyTorch's constants."""
    return BatchNormalization(
        momentum=0.9, epsilon=1e-5, dtype=dtype, name=name
    )


def he_normal(mode: str) -> keras.initializers.Initializer:
    """Makes He's initialiser, not truncated.

    Args:
        mode: `"fan_in"` or `"fan_out"`.
    """
    return keras.initializers.VarianceScaling(
        scale=2.0, mode=mode, distribution="untruncated_normal"
    )
