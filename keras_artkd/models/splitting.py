"""Parts of networks, from one endpoint to another."""

import keras

from keras_artkd.models.endpoints import LOGITS, get_endpoints


def split_network(model, names):
    """Cuts a network at endpoints into parts, one after another.

    Args:
        model: a network with endpoints.
        names: list of its endpoints, shallow to deep.

    Returns:
        list of functional `keras.Model`, one more than `names`: from images
        to the first endpoint, from it to the next, ..., from the last to the
        logits. They share the network's layers; run one after another they
        are the network.

    Raises:
        ValueError: as of `network_part`.

    Example:
    >>> from keras_artkd import models
    >>> model = models.build("wrn_10_1", 5, input_shape=(32, 32, 3))
    >>> [part.output_shape[-1] for part in split_network(model, ["group2"])]
    [32, 5]
    """
    starts, ends = [None, *names], [*names, LOGITS]
    return [
        network_part(model, start, end)
        for start, end in zip(starts, ends, strict=True)
    ]


def network_part(model, start, end):
    """What a network has between two endpoints, its layers shared.

    Args:
        model: a network with endpoints.
        start: str, the endpoint that it takes; None for images.
        end: str, the endpoint that it gives, or a list of them for a dict.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: if the end needs more of the network than the start.
    """
    endpoints = get_endpoints(model)
    ends = [end] if isinstance(end, str) else end
    outputs = {name: endpoints[name] for name in ends}
    first = model.inputs[0] if start is None else endpoints[start]
    if isinstance(end, str):
        outputs = outputs[end]
    try:
        return keras.Model(first, outputs)
    except ValueError as error:
        raise ValueError(
            "A network can be cut where all that follows is made of the cut "
            f"endpoint alone. Received: {model.name!r}, whose "
            f"{' and '.join(ends)} needs more than {start}. Fix: another "
            'endpoint, or a head of the last map (head="pool").'
        ) from error
