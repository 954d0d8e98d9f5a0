"""A network whose gradient at its input is an endpoint.

A loss may compare how sensitive networks are to each pixel. The gradient needs
the labels, which a network in its role does not see: therefore TensorFlow
records the forward pass, and the gradient is taken when the objective is
computed. A teacher's own tape is not the student's: the student's has nothing
of it to differentiate. JAX differentiates functions: there the network runs a
second time, of the labels.
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
from keras_artkd.models.resizing import resize_to
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
        ValueError: for a student with layers whose gradient has no right
            gradient in TensorFlow.
    """

    def __init__(self, role: str, model: keras.Model) -> None:
        self._by_jax = keras.backend.backend() == "jax"
        self._training = False
        if role == STUDENT and not self._by_jax:
            _make_differentiable_twice(model)
        super().__init__(role, model)
        # A recorded teacher has answers and no images.
        if len(self.input_shape) == 4:
            # Of the pipeline's size: networks resize what they are given.
            shape = (None, None, None, self.input_shape[-1])
            self.specs[INPUT_GRADIENT] = keras.KerasTensor(shape, "float32")

    def __call__(self, images: Tensor, training: bool) -> Endpoints:
        """Endpoints, and in the gradient's place what `complete` needs.

        That is a function of the labels, or for JAX the images: a step's
        functions give tensors alone.
        """
        if self._by_jax:
            self._training = training
            return {
                **super().__call__(images, training),
                INPUT_GRADIENT: images,
            }
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
        if self._by_jax:
            images = endpoints[INPUT_GRADIENT]
            return {
                **endpoints,
                INPUT_GRADIENT: self._by_jax_at(images, labels),
            }
        gradient = endpoints[INPUT_GRADIENT]
        return {**endpoints, INPUT_GRADIENT: gradient(labels)}

    def _by_jax_at(self, images: Tensor, labels: Tensor) -> Tensor:
        """`_gradient` with JAX; what else the second run changes is dropped."""
        import jax

        network = self._endpoint_model
        state = [
            [variable.value for variable in variables]
            for variables in (
                network.trainable_variables,
                network.non_trainable_variables,
            )
        ]

        def loss(images: Tensor) -> Tensor:
            endpoints, _ = network.stateless_call(
                *state,
                resize_to(images, self.input_shape),
                training=self._training,
            )
            values = cross_entropy(labels, endpoints["logits"])
            return keras.ops.sum(_BRIGHTNESS * values)

        return jax.grad(loss)(keras.ops.cast(images, "float32"))


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
