"""The training step for JAX."""

from typing import Any

import keras

from keras_artkd.distillers.training_model import TrainingModel


class TrainStep(TrainingModel):
    """Keras's own step, which calls all that the objective is made of.

    A step sees the whole batch, on however many devices it lies: statistics
    and comparisons of its examples are those of one device.

    Attributes:
        batch_rows: int, the rows of a training batch that count; those behind
            them fill it up for the devices. None if all do.
    """

    batch_rows: int | None = None

    def train_step(self, state: Any, data: Any) -> Any:
        """One step, see `keras.Model.train_step`."""
        rows = self.batch_rows
        if rows is not None:
            data = keras.tree.map_structure(
                lambda values: None if values is None else values[:rows], data
            )
        return super().train_step(state, data)
