"""A teacher whose answers were recorded before the training.

A batch is then a dict: `"images"`, and under the role of each recorded teacher
its logits of these very images, `(batch, classes)`.
"""

from collections.abc import Mapping
from typing import TypeAlias

import keras

from keras_artkd.types import Tensor

IMAGES = "images"

Inputs: TypeAlias = Tensor | Mapping[str, Tensor]
"""Images, or a dict of images and recorded answers."""


def recorded_teacher(num_classes: int) -> keras.Model:
    """A teacher that passes on its recorded logits.

    It has no weights, and no endpoint but `logits`: losses that compare maps or
    features need the network itself.

    Args:
        num_classes: int.

    Returns:
        A `keras.Model` from logits `(batch, num_classes)` to the same.
    """
    recorded = keras.Input((num_classes,), name="recorded")
    logits = keras.layers.Identity(dtype="float32", name="logits")(recorded)
    return keras.Model(recorded, logits, name="recorded")


def split_answers(inputs: Inputs) -> tuple[Tensor, dict[str, Tensor]]:
    """Images of a batch, and its recorded answers by role.

    Raises:
        ValueError: for a dict without images.
    """
    if not isinstance(inputs, Mapping):
        return inputs, {}
    answers = dict(inputs)
    if IMAGES not in answers:
        raise ValueError(
            f'A batch that is a dict must have images under "{IMAGES}". '
            f"Received: {', '.join(answers)}."
        )
    return answers.pop(IMAGES), answers
