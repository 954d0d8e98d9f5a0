"""The training step for JAX."""

from typing import Any

import jax
import keras

from keras_artkd.distillers.training_model import TrainingModel
from keras_artkd.types import Tensor

Values = list[Tensor]


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
        trained, known = (
            {id(variable) for variable in variables}
            for variables in (self.variables_to_train, self.trainable_variables)
        )
        if trained == known and len(self.optimizers) == 1:
            return super().train_step(state, data)
        return self._train_some(state, data)

    def make_train_function(self, force: bool = False) -> None:
        """Makes the step, see `keras.Model`; with `force` a new one.

        JAX finds what it has compiled by the function that it was given. A
        method of one model is always the same function: the step of another
        phase would be taken for that of this one. Therefore each has its own.
        """
        step = type(self).train_step

        def train_step(state: Any, data: Any) -> Any:
            return step(self, state, data)

        # Keras's `__setattr__` would track it.
        object.__setattr__(self, "train_step", train_step)
        try:
            super().make_train_function(force)
        finally:
            object.__delattr__(self, "train_step")

    @property
    def non_trainable_variables(self) -> list[keras.Variable]:
        """Those of Keras, and those of optimizers that it does not know.

        A step on JAX gives back the variables that it is given. Keras gives
        it these, and those of one optimizer.
        """
        others = []
        if self.compiled:
            others = [
                variable
                for name, optimizer in self.optimizers.items()
                if name != "optimizer"
                for variable in optimizer.variables
            ]
        return [*super().non_trainable_variables, *others]

    def _train_some(self, state: Any, data: Any) -> Any:
        """A step of `variables_to_train` alone, by all optimizers.

        Raises:
            ValueError: for an optimizer that scales the loss.
        """
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            raise ValueError(
                "On JAX a training in phases cannot scale its loss. Received: "
                "mixed_float16. Fix: mixed_bfloat16, or TensorFlow."
            )
        trainable, fixed, of_optimizer, of_metrics = state
        trained = self.variables_to_train
        places = {id(v): i for i, v in enumerate(self.trainable_variables)}
        indices = [places[id(variable)] for variable in trained]

        def objective(values: Values, *arguments: Any, **options: Any) -> Any:
            every = list(trainable)
            for index, value in zip(indices, values, strict=True):
                every[index] = value
            return self.compute_loss_and_updates(every, *arguments, **options)

        images, labels, weight = keras.utils.unpack_x_y_sample_weight(data)
        (_, aux), gradients = jax.value_and_grad(objective, has_aux=True)(
            [trainable[index] for index in indices],
            *(fixed, of_metrics, images, labels, weight),
            training=True,
            optimizer_variables=of_optimizer,
        )
        loss, outputs, fixed, of_metrics = aux
        known = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
        )
        values = (trainable, fixed, of_optimizer)
        mapping = [
            pair
            for variables, of_variables in zip(known, values, strict=True)
            for pair in zip(variables, of_variables, strict=True)
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            self.apply_gradients(gradients, trained)
        logs, of_metrics = self._update_metrics_variables(
            of_metrics, loss, images, labels, outputs, weight
        )
        updated = [
            [scope.get_current_value(variable) for variable in variables]
            for variables in known
        ]
        return logs, (*updated, of_metrics)
