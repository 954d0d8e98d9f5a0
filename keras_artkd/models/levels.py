"""Classifiers that read a network at several depths."""

import keras
from keras import layers

from keras_artkd.models.blocks import classifier
from keras_artkd.models.endpoints import (
    LOGITS,
    EndpointModel,
    get_endpoints,
    group_names,
    with_endpoints,
)
from keras_artkd.models.functional import as_functional

# The layer that joins the pooled maps, one after the other.
LEVELS = "levels"


def with_levels(network: keras.Model) -> EndpointModel:
    """A network whose classifier reads the pooled maps of several depths.

    The last features of a pretrained network are about objects; style, which
    is colour, stroke and texture, shows at its middle. Global average pooling
    of each level, one after the other, is what the new classifier reads. Fit
    it first (`keras_artkd.runs.heads`): the levels differ in scale.

    The levels are the endpoints `stage<i>` where the network has some,
    otherwise all `group<i>` but the last, and `features`.

    Args:
        network: functional `keras.Model` with the endpoints above, from images
            to logits; its layers are shared, its classifier is replaced.

    Returns:
        A network with the same endpoints, its logits from a new `Dense`.

    Raises:
        ValueError: if it is no such network.

    Reference: Evci et al., "Head2Toe: Utilizing Intermediate Representations
    for Better Transfer Learning", 2022, https://arxiv.org/abs/2201.03529; there
    of all layers, of which some are chosen.
    """
    model = as_functional(network)
    endpoints, names = get_endpoints(model), level_names(model)
    if not names:
        raise ValueError(
            "A classifier of several levels needs the endpoints `features` and "
            f"`stage<i>` or `group<i>`. Received: {model.name!r} with "
            f"{', '.join(endpoints)}. Fix: `models.with_endpoints` names them; "
            "or a head of the last map (head='pool')."
        )
    pooled = [
        layers.GlobalAveragePooling2D(
            dtype=model.dtype_policy, name=f"pool_{name}"
        )(endpoints[name])
        for name in names
    ]
    joined = layers.Concatenate(dtype=model.dtype_policy, name=LEVELS)(pooled)
    num_classes = endpoints[LOGITS].shape[-1]
    made = keras.Model(
        model.inputs[0], classifier(num_classes)(joined), name=model.name
    )
    made.dtype_policy = model.dtype_policy
    return with_endpoints(
        made,
        {
            name: tensor._keras_history.operation.name
            for name, tensor in endpoints.items()
            if name != LOGITS
        },
    )


def level_names(network: keras.Model) -> list[str]:
    """Names of the endpoints that a classifier of several levels reads.

    None of a network that has not two of them.
    """
    endpoints = get_endpoints(network)
    stages = [name for name in endpoints if name.startswith("stage")]
    inner = stages or group_names(network)[:-1]
    return [*inner, "features"] if inner and "features" in endpoints else []


def level_sizes(network: keras.Model) -> list[int] | None:
    """Numbers of features of each level; None of a network that has one."""
    if all(layer.name != LEVELS for layer in network.layers):
        return None
    return [x.shape[-1] for x in network.get_layer(LEVELS).input]
