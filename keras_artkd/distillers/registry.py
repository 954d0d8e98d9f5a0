"""The distiller of a method by name."""

from typing import Any

import keras

from keras_artkd.catalogue.methods import get_method
from keras_artkd.distillers.distiller import Distiller


def build(
    method: str,
    student: keras.Model,
    expert: Any = None,
    initial: keras.Model | None = None,
    **options: Any,
) -> Distiller:
    """Makes the distiller of a published method.

    Args:
        method: a key of `METHODS`, or several joined by `+`, such as
            `"kd+rkd"`, whose transfer terms add up (see `combination`).
        student: the network to train, as made; its head is yours to choose
            (`METHODS[method].head` is the published one).
        expert: a trained teacher, which is frozen; ignored by methods that
            have none. `ms_mgans` also takes a list of its stages.
        initial: an untrained teacher to train along; ignored likewise.
        **options: the method's own, such as `temperature`; of several
            methods `**{"kd.temperature": 2.0}`.

    Returns:
        An uncompiled `Distiller`. Its `compile` takes an optimizer and
        metrics, and defaults to cross-entropy from logits. Its batches have
        the views that `get_method(method).views` says (see
        `keras_artkd.data.pipeline.training_dataset`), mixed where its `mixup`
        is a number (see `keras_artkd.data.augment.Mixup`). Some methods give
        the student exits: then save the model that was passed, not the
        distiller's.

    Raises:
        ValueError: for an unknown method or option, or a missing teacher.

    Example:
    >>> from keras_artkd import models
    >>> student = models.build("wrn_10_1", 5, input_shape=(32, 32, 3))
    >>> build("baseline", student).name
    'baseline'
    """
    row = get_method(method)
    unknown = [name for name in options if name not in row.options]
    if unknown:
        raise ValueError(
            f"Method {method!r} has the options "
            f"{', '.join(row.options) or '(none)'}. "
            f"Received: {', '.join(unknown)}."
        )
    networks = row.networks(expert, initial)
    # TensorFlow takes no plus in a name.
    name = method.replace("+", "-")
    distiller: Distiller = row.make(student, **networks, **options, name=name)
    return distiller
