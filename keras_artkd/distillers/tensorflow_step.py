"""Training and test steps for TensorFlow."""

from typing import Any

import keras
import tensorflow as tf

from keras_artkd.distillers.roles import (
    leave_batch_normalization_to_xla,
    synchronize_batch_normalization,
)
from keras_artkd.distillers.training_model import TrainingModel
from keras_artkd.losses.ops import sum_over_replicas
from keras_artkd.types import Tensor


class TrainStep(TrainingModel):
    """Steps for TensorFlow: frozen teachers run outside the gradient tape.

    A subclass, the `Distiller`, has the objective and the networks.

    Replicas of a `tf.distribute` strategy sum their gradients. Therefore each
    takes its share of the mean that it computes, by its part of the examples:
    some have one more than others where replicas do not divide a batch.
    """

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles, and makes replicas share batch statistics."""
        super().compile(*args, **kwargs)
        for trained in self.trained_parts:
            if self._replicas > 1:
                synchronize_batch_normalization(trained)
            if self.jit_compile:
                leave_batch_normalization_to_xla(trained)

    def train_step(self, data: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """One step: each network forward once, one gradient, one update."""
        inputs, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(
            data
        )
        taught = self.call_teachers(inputs)
        with tf.GradientTape() as tape:
            endpoints = {**taught, **self.call_trained(inputs)}
            loss = self.compute_loss(
                inputs, labels, endpoints, sample_weight, training=True
            )
            part = self._part_of_batch(labels)
            scaled = self.optimizer.scale_loss(loss * part)
        variables = self.variables_to_train
        gradients = tape.gradient(scaled, variables)
        self.apply_gradients(gradients, variables)
        self._track_loss(loss, labels)
        return self.compute_metrics(inputs, labels, endpoints, sample_weight)

    def test_step(self, data: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """One batch through the student alone."""
        inputs, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(
            data
        )
        logits = self(inputs, training=False)
        loss = self.compute_loss(
            inputs, labels, logits, sample_weight, training=False
        )
        self._track_loss(loss, labels)
        return self.compute_metrics(inputs, labels, logits, sample_weight)

    @property
    def _replicas(self) -> int:
        return self.distribute_strategy.num_replicas_in_sync

    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ) -> None:
        # Keras makes a batch of the replicas' mean, to see its shapes: that
        # fails where one has an example more. One replica's part has them.
        if iterator is not None and self._replicas > 1:
            parts = self.distribute_strategy.experimental_local_results
            _, _, batches = next(iter(iterator))
            data_batch = keras.tree.map_structure(
                lambda values: parts(values)[0], next(batches)
            )
            iterator = None
        super()._maybe_symbolic_build(iterator, data_batch)

    def _part_of_batch(self, labels: Tensor) -> Tensor | float:
        """How much of a batch's examples this replica has."""
        if self._replicas == 1:
            return 1.0
        count = tf.cast(tf.shape(labels)[0], "float32")
        return count / sum_over_replicas(count)

    def _track_loss(self, loss: Tensor, labels: Tensor) -> None:
        # Keras makes this metric when compiling, and leaves it at zero in a
        # step that does not update it.
        tracker = next(m for m in self.metrics if m.name == "loss")
        tracker.update_state(loss, sample_weight=tf.shape(labels)[0])
