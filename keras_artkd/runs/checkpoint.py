"""Callbacks that keep the state of a training."""

import contextlib
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_artkd.distillers import Distiller
from keras_artkd.files import read_arrays, write_atomically
from keras_artkd.measure.divergence import why_diverged
from keras_artkd.measure.intervals import may_be_chance
from keras_artkd.runs import hosts
from keras_artkd.types import Array, Path

# What to do where the file is damaged.
_START_OVER = "remove the run's folder and start over"
# That two epochs of a training are right about the same images correlates by
# 0.69 to 0.97, best and last of eleven students of paintings.
_CORRELATION = 0.8


@contextlib.contextmanager
def averaged_weights(model: keras.Model, averaged: bool) -> Iterator[None]:
    """Has the optimizer's average of the weights in a model, for a while.

    Args:
        model: the compiled model that is trained.
        averaged: bool, whether its optimizer keeps an average; otherwise
            nothing changes.
    """
    if not averaged:
        yield
        return
    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(model)
    swap.on_test_begin()
    try:
        yield
    finally:
        swap.on_test_end()


class Checkpoint(keras.callbacks.Callback):
    """Keeps the last state and the best student of a training in one file.

    After each epoch it writes the trained networks, optimizer, history and
    the student's best weights so far. A training that was killed at any
    moment resumes from its last whole epoch, to the weights that it would
    have had: `training_dataset` depends on the epoch alone.

    Args:
        distiller: the compiled `Distiller`.
        path: the file, `.npz`.
        monitor: the logged value whose maximum is best; the first of equals.
            Where a training goes through phases, after its first of all parts
            of the student.
        keep_last: bool, whether the last student counts as the best.
        images: int, how many validate: the latest student counts as the best
            of which they cannot tell that another one is better; None takes
            the best of them as it is.
        averaged: bool, whether the optimizer keeps an average of the weights:
            the best student is then one of the averages.
    """

    def __init__(
        self,
        distiller: Distiller,
        path: Path,
        monitor: str = "val_accuracy",
        keep_last: bool = False,
        images: int | None = None,
        averaged: bool = False,
    ) -> None:
        super().__init__()
        self.averaged = averaged
        self.keep_last = keep_last
        self.images = images
        self.distiller = distiller
        self.path = pathlib.Path(path)
        self.monitor = monitor
        self.history: dict[str, list[float | None]] = {}
        self.epoch = 0
        self.best_epoch: int | None = None
        self.best_is_whole: bool | None = None
        self.best_weights: list[Array] = []
        # The monitored value before the training, where it is a candidate.
        self.first_value: float | None = None
        # The largest so far, of students that lack no part if one has been.
        self.top: float | None = None

    def start_from(self, value: float) -> None:
        """Counts the student before its training as best so far, epoch 0.

        Args:
            value: float, what is monitored, of this student.
        """
        self.first_value = self.top = value
        self.best_epoch = 0
        self.best_is_whole = self.distiller.student_is_whole
        self.best_weights = self.distiller.student.get_weights()

    @property
    def best_value(self) -> float | None:
        """The monitored value of the best student."""
        if not self.best_epoch:
            return self.first_value
        return self.history[self.monitor][self.best_epoch - 1]

    def restore(self) -> int:
        """Restores the saved state, if there is one.

        Returns:
            The number of epochs done, for `fit(initial_epoch=...)`.

        Raises:
            ValueError: if the file is damaged, or of another training.
        """
        if not self.path.exists():
            return 0
        state = read_arrays(self.path, _START_OVER)
        try:
            meta = json.loads(str(state["meta"]))
            best = [
                state[f"best/{i}"]
                for i in range(len(self.distiller.student.weights))
            ]
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"The file is damaged: {self.path} (it lacks {error}). Fix: "
                f"{_START_OVER}."
            ) from error
        for name, variables in self._groups().items():
            _assign(name, variables, state, self.path)
        self.best_weights = best
        self.history = meta["history"]
        self.epoch = meta["epoch"]
        self.best_epoch = meta["best_epoch"]
        self.best_is_whole = meta.get("best_is_whole", True)
        self.first_value = meta.get("first_value")
        self.top = meta.get("top", self.best_value)
        return self.epoch

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Writes the state, unless the training went astray.

        Raises:
            ValueError: if the training diverged; the file keeps the state of
                the epoch before. If the monitored value is not logged.
        """
        logs = logs or {}
        if reason := why_diverged(logs):
            raise ValueError(
                "The training must not diverge. Received: "
                f"{reason}, in epoch {epoch + 1}. Fix: a smaller learning "
                "rate, or smaller weights of the transfer losses."
            )
        if self.monitor not in logs and not self.keep_last:
            raise ValueError(
                "The best student is told by a logged value. Received: "
                f"monitor={self.monitor!r}, which is not logged; there are "
                f"{', '.join(logs)}. Fix: validation_data in fit, another "
                "monitor, or keep_last=True."
            )
        self._extend_history(epoch, logs)
        self.epoch = epoch + 1
        if self._is_best():
            self.best_epoch = epoch + 1
            self.best_is_whole = self.distiller.student_is_whole
            self.best_weights = self._student_weights()
        self.write()

    def _student_weights(self) -> list[Array]:
        with averaged_weights(self.distiller, self.averaged):
            weights: list[Array] = self.distiller.student.get_weights()
        return weights

    def _is_best(self) -> bool:
        value = self.history.get(self.monitor, [None])[-1]
        is_whole = self.distiller.student_is_whole
        if self.best_epoch is None or self.keep_last:
            self.top = value
            return True
        if is_whole != self.best_is_whole:
            # One that lacks a part is best for want of another alone.
            self.top = value if is_whole else self.top
            return is_whole
        if value is None:
            return False
        if self.top is None or value > self.top:
            self.top = value
            return True
        return self.images is not None and (
            value == self.top
            or may_be_chance(value, self.top, self.images, _CORRELATION)
        )

    def _extend_history(self, epoch: int, logs: dict[str, Any]) -> None:
        # Phases of a training have terms of their own: None where one has not.
        for name in {**self.history, **logs}:
            value = logs.get(name)
            self.history.setdefault(name, [None] * epoch).append(
                None if value is None else float(value)
            )

    def load_best(self) -> None:
        """Puts the best weights into the student."""
        self.distiller.student.set_weights(self.best_weights)

    def _groups(self) -> dict[str, list[keras.Variable]]:
        """Variables to keep, by kind; frozen teachers have their own file."""
        distiller = self.distiller
        frozen = {
            id(variable)
            for network in distiller.frozen_networks
            for variable in network.variables
        }
        return {
            "model": [v for v in distiller.variables if id(v) not in frozen],
            **{
                name: optimizer.variables
                for name, optimizer in distiller.optimizers.items()
            },
        }

    def write(self) -> None:
        """Writes the state as it is, unless another process does."""
        if not hosts.is_first():
            return
        arrays = {
            f"{name}/{i}": keras.ops.convert_to_numpy(variable)
            for name, variables in self._groups().items()
            for i, variable in enumerate(variables)
        }
        # Before the first epoch none is best, and the file has its places.
        best = self.best_weights or self.distiller.student.get_weights()
        arrays |= {f"best/{i}": w for i, w in enumerate(best)}
        meta = {
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_is_whole": self.best_is_whole,
            "first_value": self.first_value,
            "top": self.top,
            "history": self.history,
        }
        arrays["meta"] = np.array(json.dumps(meta))
        write_atomically(self.path, lambda p: np.savez(p, **arrays))


class KeepStages(keras.callbacks.Callback):
    """Saves the network at several stages of its training.

    Some methods teach by way of the teacher's own stages (`ms_mgans`). The
    files are `stage1.keras`, `stage2.keras`, ... in the order of the epochs.
    Of a `Distiller` its student is saved, of any other model the model.

    Args:
        folder: path of a folder for the files.
        epochs: list of int, at whose ends, counted from 1.
        averaged: bool, whether the optimizer keeps an average of the weights,
            which is saved then.
    """

    def __init__(
        self, folder: Path, epochs: Iterable[int], averaged: bool = False
    ) -> None:
        super().__init__()
        self.averaged = averaged
        self.folder = pathlib.Path(folder)
        self.epochs = sorted(set(epochs))

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Saves where a stage ends."""
        if epoch + 1 in self.epochs:
            stage = self.epochs.index(epoch + 1) + 1
            model: keras.Model = self.model
            network: keras.Model = getattr(model, "student", model)
            path = self.folder / f"stage{stage}.keras"
            # All processes change the weights, one writes.
            with averaged_weights(model, self.averaged):
                if hosts.is_first():
                    write_atomically(path, network.save)


def _assign(
    name: str,
    variables: list[keras.Variable],
    state: Mapping[str, Array],
    path: pathlib.Path,
) -> None:
    saved = sum(key.startswith(f"{name}/") for key in state)
    if saved != len(variables):
        raise ValueError(
            f"The checkpoint is not of this training: {path} holds {saved} "
            f"{name} variables. Received: a distiller of {len(variables)}. "
            "Fix: resume with the configuration of the run."
        )
    for index, variable in enumerate(variables):
        value = state[f"{name}/{index}"]
        variable.assign(hosts.on_all_devices(value, variable))
