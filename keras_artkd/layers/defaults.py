"""Layers and initialisers as PyTorch has them, for networks and connectors."""

import keras
from keras import layers


def batch_norm(dtype=None, name=None):
    """A layer of batch normalisation with PyTorch's constants."""
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, dtype=dtype, name=name
    )


def he_normal(mode):
    """He's initialisation, by `"fan_in"` or `"fan_out"`, not truncated."""
    return keras.initializers.VarianceScaling(
        scale=2.0, mode=mode, distribution="untruncated_normal"
    )
