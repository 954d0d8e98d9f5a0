"""Endpoints: the named inner tensors by which networks teach each other."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_artkd.models.functional import as_functional
from keras_artkd.models.wrapped import WrappedModel
from keras_artkd.types import Tensor

LOGITS = "logits"


@keras.saving.register_keras_serializable("keras_artkd")
class EndpointModel(WrappedModel):
    """A functional Keras model whose inner layers have endpoint names.

    It shares all layers with the model it is made from. A saved and loaded
    `EndpointModel` keeps its endpoints.

    Args:
        model: a functional `keras.Model` with one input and one output, the
            logits.
        layer_names: dict of endpoint name -> name of the layer that outputs
            it. `"logits"`, the model's own output, is added last.
        name: str, by default the model's.
        trainable: bool.
    """

    def __init__(
        self,
        model: keras.Model,
        layer_names: Mapping[str, str],
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        _check_functional(model)
        endpoints = {
            endpoint: _layer_output(model, endpoint, layer)
            for endpoint, layer in layer_names.items()
            if endpoint != LOGITS
        }
        endpoints[LOGITS] = model.outputs[0]
        super().__init__(model, name=name, trainable=trainable)
        self.layer_names = dict(layer_names)
        self.endpoints = endpoints

    def get_config(self) -> dict[str, Any]:
        """Returns the wrapped model's configuration and the names."""
        return {**super().get_config(), "layer_names": dict(self.layer_names)}


def with_endpoints(
    model: keras.Model, layer_names: Mapping[str, str]
) -> EndpointModel:
    """Names layers of a functional Keras model so that it can teach or learn.

    Args:
        model: a functional `keras.Model` (of `keras.applications`, KerasHub
            or your own) whose output is logits, without softmax.
        layer_names: dict of endpoint name -> layer name, for example
            `{"group3": "conv5_block3_out"}`. Losses pair endpoints of two
            networks by their names. A layer inside a nested model has no
            output in this graph. When you build the model, call the nested
            model's layers, or take its `input` and `output`.

    Returns:
        An `EndpointModel` that shares the model's layers and weights.

    Raises:
        ValueError: if the model is not functional, ends in a softmax, or a
            layer does not exist.

    Example:
    >>> inputs = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, name="conv")(inputs)
    >>> x = keras.layers.GlobalAveragePooling2D()(x)
    >>> model = keras.Model(inputs, keras.layers.Dense(10)(x))
    >>> list(with_endpoints(model, {"group3": "conv"}).endpoints)
    ['group3', 'logits']
    """
    return EndpointModel(model, layer_names)


def get_endpoints(model: keras.Model) -> dict[str, Tensor]:
    """Returns a network's endpoints; for any other model its logits.

    A network's `inner_endpoints` come before its `endpoints`.

    Returns:
        dict of name -> KerasTensor, ending in `"logits"`.
    """
    endpoints = getattr(model, "endpoints", None)
    if endpoints is None:
        model = as_functional(model)
        _check_functional(model)
        return {LOGITS: model.outputs[0]}
    return {**getattr(model, "inner_endpoints", {}), **endpoints}


def group_names(model: keras.Model) -> list[str]:
    """Lists the names of a network's `group<i>` endpoints, shallow to deep."""
    found = (re.fullmatch(r"group(\d+)", name) for name in get_endpoints(model))
    return sorted(
        (match[0] for match in found if match),
        key=lambda name: int(name.removeprefix("group")),
    )


def _check_functional(model: keras.Model) -> None:
    inputs = getattr(model, "inputs", None)
    outputs = getattr(model, "outputs", None)
    if not inputs or not outputs or len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            "A network in distillation must be a functional (or built "
            "Sequential) keras.Model with one input and one output, its "
            f"logits. Received: {getattr(model, 'name', model)!r} of type "
            f"{type(model).__name__}. Fix: build it with keras.Input and "
            "keras.Model(inputs, logits). Inner layers of a subclassed model "
            "cannot be endpoints; its logits alone need none."
        )
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    if isinstance(last, keras.layers.Softmax):
        activation = keras.activations.softmax
    if activation in (keras.activations.softmax, keras.activations.sigmoid):
        raise ValueError(
            "A network in distillation must end in logits. Received: "
            f"{model.name!r}, whose last layer {last.name!r} applies "
            f"{activation.__name__}. Fix: build it with activation=None "
            "(keras.applications: classifier_activation=None)."
        )


def _layer_output(model: keras.Model, endpoint: str, layer_name: str) -> Tensor:
    # `operations` also has what is not in `layers`: unnamed additions.
    operations = getattr(model, "operations", model.layers)
    for operation in operations:
        if operation.name == layer_name:
            return operation.output
    names = [operation.name for operation in operations]
    near = difflib.get_close_matches(layer_name, names, n=5) or names[-5:]
    raise ValueError(
        f"Endpoint {endpoint!r} names a layer that {model.name!r} does not "
        f"have. Received: {layer_name!r}. Near it: {', '.join(near)}. "
        "Fix: take a name from `model.summary()`."
    )
