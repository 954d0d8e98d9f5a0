"""Networks that begin with what another network has learned."""

import keras

# Beginnings of the names of layers that no network passes on: of the
# classifier, and of the head after a network's first blocks.
_OWN = ("logits", "neck", "awgram")


def inherit(network: keras.Model, source: keras.Model) -> list[str]:
    """Copies the weights of every layer that two networks have in common.

    Layers correspond by their names; they are copied where all their weights
    have the same shapes, whatever the sizes of the images. The classifier is
    not: its classes may be others.

    Args:
        network: functional `keras.Model`, whose weights change; for example
            `build("efficientnet_lite0_first8", ...)`.
        source: functional `keras.Model`, for example a trained
            `efficientnet_lite0`.

    Returns:
        Names of the layers with weights that were copied, in order.

    Raises:
        ValueError: if there is no such layer.
    """
    donors = {layer.name: layer for layer in source.layers if layer.weights}
    copied = []
    for layer in network.layers:
        donor = donors.get(layer.name)
        if donor is None or not is_inherited(layer) or not layer.weights:
            continue
        if _shapes(layer) == _shapes(donor):
            layer.set_weights(donor.get_weights())
            copied.append(layer.name)
    if not copied:
        raise ValueError(
            "A network inherits the layers that the other has under the same "
            f"names. Received: {network.name!r} and {source.name!r}, which "
            "have none in common. Fix: the first blocks of the same network, "
            f"such as {source.name}_first<k>."
        )
    return copied


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
