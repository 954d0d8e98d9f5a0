"""Models as graphs: the functional model around a subclassed one."""

import keras

from keras_artkd.types import Tensor


def is_functional(model: keras.Model) -> bool:
    """Whether a model knows its input and output (functional, Sequential)."""
    return bool(getattr(model, "inputs", None)) and bool(
        getattr(model, "outputs", None)
    )


def as_functional(model: keras.Model) -> keras.Model:
    """A model as a graph from one input to one output.

    A subclassed model, whose `call` is Python, becomes one layer of the graph
    and shares all its weights with it. Its inner layers cannot be endpoints.

    Args:
        model: a functional or Sequential `keras.Model`, which is returned as
            it is; or a subclassed one that has seen images or was built for
            them.

    Returns:
        A functional `keras.Model` of the same name.

    Raises:
        ValueError: if nobody knows the shape of a subclassed model's images,
            it has several inputs or outputs, or its `call` cannot be traced.
    """
    if is_functional(model):
        return model
    kind = f"{getattr(model, 'name', model)!r} of type {type(model).__name__}"
    if not isinstance(model, keras.Model):
        raise ValueError(f"A network must be a keras.Model. Received: {kind}.")
    config = model.get_build_config() if model.built else None
    shape = (config or {}).get("input_shape")
    if (
        not shape
        or len(shape) < 2
        or not all(size is None or isinstance(size, int) for size in shape)
    ):
        raise ValueError(
            "A subclassed keras.Model must know its one input. Received: "
            f"{kind}, {'of inputs ' + str(config) if config else 'not built'}."
            " Fix: call it once, model(images[:1]); or build it with "
            "keras.Input and keras.Model(inputs, logits)."
        )
    images = keras.Input(shape[1:], name="image")
    try:
        logits: Tensor = model(images)
    except Exception as error:
        raise ValueError(
            "A subclassed keras.Model must run on a symbolic tensor. "
            f"Received: {kind} ({' '.join(str(error).split())[:200]}). Fix: "
            "keras.ops in its `call`."
        ) from error
    if not isinstance(logits, keras.KerasTensor):
        raise ValueError(
            "A network in distillation must return one tensor, its logits. "
            f"Received: {kind}, which returns a {type(logits).__name__}."
        )
    return keras.Model(images, logits, name=model.name)
