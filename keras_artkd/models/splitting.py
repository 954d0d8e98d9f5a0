"""Parts of networks, from one endpoint to another."""

from collections.abc import Sequence

import keras

from keras_artkd.models.endpoints import LOGITS, get_endpoints


def split_network(
    model: keras.Model, names: Sequence[str]
) -> list[keras.Model]:
    """Cuts a network at endpoints into consecutive parts.

    Args:
        model: a network with endpoints.
        names: list of its endpoints, shallow to deep.

    Returns:
        list of functional `keras.Model`, one more than `names`: from images
        to the first endpoint, from it to the next, ..., from the last to the
        logits. They share the network's layers. One after another, they
        compute what the network computes.

    Raises:
        ValueError: see `network_part`.

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


def network_part(
    model: keras.Model, start: str | None, end: str | Sequence[str]
) -> keras.Model:
    """Makes a model of the layers between two endpoints.

    Args:
        model: a network with endpoints.
        start: str, the endpoint that is the input; None for images.
        end: str, the endpoint that is the output; or a list of them, for a
            dict of outputs.

    Returns:
        A functional `keras.Model` that shares the network's layers.

    Raises:
        ValueError: if the end depends on more than the start.
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
            "A network can be cut at an endpoint only if all that follows "
            f"depends on this endpoint alone. Received: {model.name!r}, whose "
            f"{' and '.join(ends)} needs more than {start}. Fix: choose "
            'another endpoint, or a head of the last map (head="pool").'
        ) from error
