"""The course of a training: epochs, optimizers and metrics."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_artkd.distillers.fixed import fixed_message
from keras_artkd.types import Tensor


class TrainingModel(keras.Model):
    """A Keras model whose training differs from epoch to epoch.

    A method whose training has phases overrides `begin_epoch`, `end_epoch`,
    `rate_schedule`, `student_is_whole`, `variables_to_train` and `optimizers`.

    Attributes:
        epoch: float variable, the epoch counted from 1; weights that follow
            the epoch compute with it.
    """

    # Keras makes it when `fit` begins.
    train_function: Any
    # Attributes that the traced step holds as they were first.
    fixed_attributes: tuple[str, ...] = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epoch = keras.Variable("ones", (), trainable=False, name="epoch")
        self._evaluating = False

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuses what a traced step would not see."""
        if name in self.fixed_attributes and name in self.__dict__:
            raise AttributeError(fixed_message(name))
        super().__setattr__(name, value)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does, and keeps `epoch` up to date."""
        bound = inspect.signature(super().fit).bind(*args, **kwargs)
        callbacks = bound.arguments.get("callbacks")
        counter = _EpochCounter(bound.arguments.get("epochs", 1))
        if isinstance(callbacks, keras.callbacks.CallbackList):
            # The counter of an earlier fit knows other epochs.
            callbacks.callbacks[:] = [
                c for c in callbacks.callbacks if type(c) is not _EpochCounter
            ]
            counter.set_model(self)
            callbacks.callbacks.append(counter)
        else:
            if callbacks is None:
                callbacks = []
            elif not isinstance(callbacks, (list, tuple)):
                callbacks = [callbacks]
            bound.arguments["callbacks"] = [counter, *callbacks]
        return super().fit(*bound.args, **bound.kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model.evaluate`, without `training_metrics`."""
        self._evaluating = True
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self._evaluating = False

    @property
    def training_metrics(self) -> list[keras.Metric]:
        """The metrics that only training logs."""
        return []

    @property
    def metrics(self) -> list[keras.Metric]:
        """The metrics in the logs."""
        known: list[keras.Metric] = super().metrics
        if not self._evaluating:
            return known
        hidden = {id(metric) for metric in self.training_metrics}
        return [metric for metric in known if id(metric) not in hidden]

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """Prepares an epoch; `fit` calls it before each.

        Args:
            epoch: int, counted from 0.
            epochs: int, of the whole training.
        """
        self.epoch.assign(epoch + 1.0)

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Reacts to the logs of an epoch; `fit` calls it after each."""

    def rate_schedule(
        self, learning_rate: float, epochs: int, steps_per_epoch: int
    ) -> keras.optimizers.schedules.LearningRateSchedule | None:
        """The learning rate that the method prescribes.

        Args:
            learning_rate: float, the first.
            epochs: int, of the whole training.
            steps_per_epoch: int.

        Returns:
            A Keras `LearningRateSchedule`; None where the method leaves it to
            the run's settings, as most do.
        """
        return None

    @property
    def student_is_whole(self) -> bool:
        """Whether every part of the student has been trained by now."""
        return True

    @property
    def variables_to_train(self) -> list[keras.Variable]:
        """The variables that a step changes by gradients."""
        variables: list[keras.Variable] = self.trainable_variables
        return variables

    def apply_gradients(
        self, gradients: Sequence[Tensor], variables: Sequence[keras.Variable]
    ) -> None:
        """Updates variables by gradients of the scaled loss."""
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """All optimizers of a training, by name."""
        return {"optimizer": self.optimizer}


class _EpochCounter(keras.callbacks.Callback):
    """Tells the model which epoch it is."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        self.model.begin_epoch(epoch, self.epochs)

    def on_epoch_end(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        self.model.end_epoch(epoch, logs or {})
