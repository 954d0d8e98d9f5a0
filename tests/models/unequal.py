"""A network that is the same in floats and much worse in int8."""

import numpy as np


def with_unequal_channels(network, decades=3.0):
    """Scales channels inside a wide ResNet's blocks, in place.

    Each channel between two convolutions becomes smaller by another factor,
    and the second convolution makes up for it. The steps of an int8 tensor,
    one size for all channels, are too large for the small ones.

    Args:
        network: a `WideResNet`.
        decades: float, the smallest factor is 10 to minus this.
    """
    random = np.random.default_rng(0)
    for norm in network.layers:
        if not norm.name.endswith("_2_bn"):
            continue
        conv = network.get_layer(norm.name.replace("_2_bn", "_conv2"))
        factors = 10 ** -random.uniform(0, decades, norm.gamma.shape[0])
        norm.gamma.assign(norm.gamma * factors)
        norm.beta.assign(norm.beta * factors)
        conv.kernel.assign(conv.kernel / factors[:, None])
