"""A network whose gradient at its input is an endpoint, with TensorFlow.

A loss may compare how sensitive networks are to each pixel. The gradient needs
the labels, which a network in its role does not see: therefore the forward
pass is recorded, and the gradient taken when the objective is computed. A
teacher's own tape is not the student's: the student's has nothing of it to
differentiate.
"""

import functools
from typing import Any

import keras

from keras_artkd.distillers.roles import (
    STUDENT,
    RoleNetwork,
    synchronize_batch_normalization,
)
from keras_artkd.losses import cross_entropy
from keras_artkd.losses.base import Endpoints
from keras_artkd.losses.gradient_attention import INPUT_GRADIENT
from keras_artkd.types import Tensor

# The range of pixels. The loss is multiplied by it, not the gradient: what half
# precision computes on the way is then farther from its smallest numbers.
_BRIGHTNESS = 255.0
_DIFFERENTIABLE_ONCE = (
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
)


class GradientNetwork(RoleNetwork):
    """A `RoleNetwork` that also offers `input_gradient`.

    Raises:
        ValueError: on a backend that is not TensorFlow; and for a student with
            layers whose gradient has no right gradient.
    """

    def __init__(self, role: str, model: keras.Model) -> None:
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                "A gradient of a gradient is taken with TensorFlow alone. "
                f"Received: the backend {keras.backend.backend()}. Fix: "
                "KERAS_BACKEND=tensorflow, or a loss of activations, such as "
                "AttentionTransfer (method attention): every backend has them."
            )
        if role == STUDENT:
            _make_differentiable_twice(model)
        super().__init__(role, model)
        # A recorded teacher has answers and no images.
        if len(self.input_shape) == 4:
            # Of the pipeline's size: networks resize what they are given.
            shape = (None, None, None, self.input_shape[-1])
            self.specs[INPUT_GRADIENT] = keras.KerasTensor(shape, "float32")

    def __call__(self, images: Tensor, training: bool) -> Endpoints:
        """Endpoints, and a function of the labels in the gradient's place."""
        import tensorflow as tf

        images = tf.cast(images, "float32")
        # Asked again where steps are taken one by one; in a graph all the same.
        tape = tf.GradientTape(persistent=True, watch_accessed_variables=False)
        with tape:
            tape.watch(images)
            endpoints = super().__call__(images, training)
        gradient = functools.partial(
            _gradient, tape, images, endpoints["logits"]
        )
        return {**endpoints, INPUT_GRADIENT: gradient}

    def complete(self, endpoints: Endpoints, labels: Tensor) -> Endpoints:
        """See `RoleNetwork.complete`: the gradient by these labels."""
        gradient = endpoints[INPUT_GRADIENT]
        return {**endpoints, INPUT_GRADIENT: gradient(labels)}


def _make_differentiable_twice(student: keras.Model) -> None:
    """Replaces, or refuses, statistics with a first gradient alone.

    Keras takes them from `tf.nn.moments`, which stops the gradient of the mean
    within the variance: that changes nothing in the first, and the second is
    wrong (by a third in `test_through_batch_normalisation`).
    Statistics that replicas share, on one device too, are sums and squares.
    """
    synchronize_batch_normalization(student)
    for layer in student._flatten_layers():
        if isinstance(layer, _DIFFERENTIABLE_ONCE):
            raise ValueError(
                "A student of gradients must be differentiable twice. "
                f"Received: {student.name!r} with {layer.name!r}, a "
                f"{type(layer).__name__}, of which TensorFlow has the first "
                "gradient alone. Fix: a student with batch normalisation, or "
                "a loss of activations, such as AttentionTransfer (method "
                "attention)."
            )


def _gradient(tape: Any, images: Tensor, logits: Tensor, labels: Tensor) -> Any:
    """`(batch, height, width, 3)`, of the sum of the examples' losses."""
    with tape:
        values = _BRIGHTNESS * cross_entropy(labels, logits)
    return tape.gradient(values, images)
