"""Networks that begin with what another network has learned."""

import keras

# Beginnings of the names of layers that no network passes on: of the
# classifier, and of the head after a network's first blocks.
_OWN = ("logits", "neck", "awgram")


def inherit(network: keras.Model, source: keras.Model) -> list[str]:
    """Copies the weights of every layer but the network's own head.

    Layers correspond by their names, whatever the sizes of the images.

    Args:
        network: functional `keras.Model`, whose weights change; for example
            `build("efficientnet_lite0_first8", ...)`.
        source: functional `keras.Model`, for example a trained
            `efficientnet_lite0`.

    Returns:
        Names of the layers with weights that were copied, in order.

    Raises:
        ValueError: if the source lacks one of them.
    """
    donors = {layer.name: layer for layer in source.layers if layer.weights}
    wanted = [
        layer
        for layer in network.layers
        if layer.weights and is_inherited(layer)
    ]
    missing = [
        layer.name
        for layer in wanted
        if layer.name not in donors
        or _shapes(layer) != _shapes(donors[layer.name])
    ]
    if missing or not wanted:
        raise ValueError(
            "A network inherits every layer but its own head, from layers of "
            f"the same names and shapes. Received: {network.name!r} and "
            f"{source.name!r}, which has none such for {len(missing)} of "
            f"{len(wanted)}: {', '.join(missing[:3])} ... Fix: the first "
            f"blocks of the same network, such as {source.name}_first<k>."
        )
    for layer in wanted:
        layer.set_weights(donors[layer.name].get_weights())
    return [layer.name for layer in wanted]


def is_inherited(layer: keras.layers.Layer) -> bool:
    """Whether a layer can be inherited; the student's own head cannot."""
    return not layer.name.startswith(_OWN)


def freeze_batch_norm(network: keras.Model) -> None:
    """Keeps statistics and weights of inherited batch normalisation.

    On few images they are better than what a training makes of them. The
    student's own head goes on learning its own.

    Args:
        network: functional `keras.Model`, changed in place.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and is_inherited(
            layer
        ):
            layer.trainable = False


def freeze_inherited(network: keras.Model) -> None:
    """Leaves nothing to train but the network's own head.

    Args:
        network: functional `keras.Model`, changed in place.
    """
    for layer in network.layers:
        if is_inherited(layer):
            layer.trainable = False


def _shapes(layer: keras.layers.Layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]
