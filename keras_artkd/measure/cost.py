"""The cost of a network: multiply-adds of one image."""

import math

import keras

from keras_artkd.layers import AWGram

_WITH_KERNEL = (
    keras.layers.Dense,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
)


def count_multiply_adds(model: keras.Model) -> int:
    """Returns the multiply-adds of one image through a functional model.

    Counts convolutions, dense layers and AWGram's matrix product, as the
    literature does. Normalisation, activations and pooling are left out. A
    layer that is called several times counts once.

    Args:
        model: functional `keras.Model` of static input size, possibly with
            other models inside.

    Returns:
        int.
    """
    return sum(_multiply_adds(layer) for layer in model.layers)


def _multiply_adds(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.Model):
        return count_multiply_adds(layer)
    if isinstance(layer, AWGram):
        return _awgram_multiply_adds(layer)
    if isinstance(layer, _WITH_KERNEL):
        kernels = [layer.kernel]
    elif isinstance(layer, keras.layers.SeparableConv2D):
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    else:
        return 0
    # One use of each weight at each place of the output.
    places = math.prod(layer.output.shape[1:-1])
    return places * sum(math.prod(kernel.shape) for kernel in kernels)


def _awgram_multiply_adds(layer: AWGram) -> int:
    inputs = layer.input if isinstance(layer.input, list) else [layer.input] * 2
    first, second = (x.shape[1:] for x in inputs)
    places = min(first[0], second[0]) * min(first[1], second[1])
    products = places * first[2]
    if layer.mode == "channel":
        products *= second[2]
    # The Gram matrix and, except for the plain one, a correlation of its size.
    return products if layer.correlation == "none" else 2 * products
