"""Trained layers that bring a student's map to the teacher's channels."""

import keras
from keras import layers

from keras_artkd.layers.defaults import batch_norm, he_normal


def convolution(
    filters: int,
    kernel_size: int = 1,
    use_bias: bool = False,
    initializer: str | None = None,
) -> layers.Conv2D:
    """A convolution for connectors, float32 and He-normal by default."""
    return layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=initializer or he_normal("fan_out"),
        dtype="float32",
    )


def convolutional_connector(
    filters: int, use_bias: bool = False, activation: str | None = None
) -> keras.Sequential:
    """A 1x1 convolution, batch normalisation and an optional activation."""
    return keras.Sequential(
        [
            convolution(filters, use_bias=use_bias),
            batch_norm(dtype="float32"),
            layers.Activation(activation, dtype="float32"),
        ]
    )
