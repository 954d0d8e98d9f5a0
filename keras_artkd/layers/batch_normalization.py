"""Batch normalisation in one operation of TensorFlow's."""

from typing import Any

import keras
from keras import ops

from keras_artkd.types import Tensor

_PRECISIONS = ("float32", "bfloat16", "float16")


@keras.saving.register_keras_serializable("keras_artkd")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation, faster with TensorFlow.

    Keras computes it by some ten operations, of maps in bfloat16 or float16
    after it has made float32 of them. TensorFlow has one, which reads maps as
    they are and adds up in float32 (`python -m benchmarks.batch_normalization`
    and docs/scale.md have what it gains). Values and gradients are Keras's to
    the precision of the maps; weights, their names and arguments are the same.

    It is Keras's own where the operation does not apply: on other backends,
    in float64, with weights in half precision, for maps that are not
    `(batch, height, width, channels)`, with a mask, with renormalisation,
    without scale or offset, and where the replicas of a strategy share their
    statistics.

    Attributes:
        fused: whether the operation is used where it applies. XLA, which
            fuses Keras's own, takes the variance for a difference of two
            squares: a step that it compiles has it turned off.
    """

    fused = True

    def call(
        self,
        inputs: Tensor,
        training: bool | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """See `keras.layers.BatchNormalization`."""
        learns = bool(training and self.trainable)
        if mask is not None or not self._is_fused(inputs):
            return super().call(inputs, training=training, mask=mask)
        if not learns:
            return _normalise(
                self, inputs, self.moving_mean.value, self.moving_variance.value
            )[0]
        outputs, mean, variance = _normalise(self, inputs)
        # TensorFlow's variance is the estimate for all images there are, as
        # PyTorch keeps it; Keras keeps that of the batch.
        count = ops.cast(ops.prod(ops.shape(inputs)[:-1]), "float32")
        variance = variance * (ops.maximum(count - 1.0, 1.0) / count)
        for kept, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            kept.assign(
                kept.value * self.momentum + value * (1.0 - self.momentum)
            )
        return outputs

    def _is_fused(self, inputs: Tensor) -> bool:
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        return (
            self.fused
            and keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.scale
            and self.center
            and not (self.synchronized or self.renorm)
            and dtype == self.compute_dtype
            and self.variable_dtype == "float32"
            and dtype in _PRECISIONS
        )


def _normalise(
    layer: BatchNormalization, inputs: Tensor, *moments: Tensor
) -> Any:
    """Outputs, mean and variance; of the batch if no `moments` are given."""
    import tensorflow as tf

    return tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=layer.gamma.value,
        offset=layer.beta.value,
        mean=moments[0] if moments else [],
        variance=moments[1] if moments else [],
        epsilon=layer.epsilon,
        is_training=not moments,
    )[:3]
