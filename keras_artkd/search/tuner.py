"""One trial: a training of the recipe with other settings."""

import contextlib
import dataclasses
import io
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial
from keras_tuner.errors import FailedTrialError, FatalError, FatalValueError

from keras_artkd.datasets import Collection
from keras_artkd.measure.divergence import why_diverged
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.labelling import teach
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.pseudo_labels import NothingToLearn
from keras_artkd.runs.training import train
from keras_artkd.search.oracles import OBJECTIVE, make_oracle
from keras_artkd.search.settings import Settings, search_folder
from keras_artkd.search.space import (
    search_space,
    trial_plan,
    trial_settings,
)

# Keras Tuner would print the traceback of a trial that failed.
keras_tuner.src.config.DEBUG = False


class Tuner(BaseTuner):
    """Runs trials, alone or as one of the processes of a search.

    A trial trains on the training split and is judged by the epoch it keeps on
    the validation split. It has no test split at all. Interrupted, it resumes
    from its last whole epoch.

    Args:
        settings: `Settings`.
        plan: `Plan`.
        data: a `datasets.Collection`; None for a chief, which trains nothing.
        expert_path: path of the trained expert, or None.
    """

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        data: Collection | None = None,
        expert_path: pathlib.Path | None = None,
    ) -> None:
        folder = search_folder(settings, plan).path
        with contextlib.redirect_stdout(io.StringIO()):
            super().__init__(
                make_oracle(settings, plan),
                directory=folder.parent,
                project_name=folder.name,
            )
        self.plan = plan
        # Whatever would read the test split fails.
        self.data = data and dataclasses.replace(
            data,
            test=None,  # type: ignore[arg-type]
        )
        self.expert_path = expert_path
        self._idle = False

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Trains; returns what `report.read_trials` reads."""
        values = trial.hyperparameters.values
        settings = trial_settings(search_space(self.plan), values)
        plan = trial_plan(self.plan, settings, values.get("tuner/epochs"))
        folder = self._folder_of(trial)
        name = f"trial {trial.trial_id}: {describe(settings)}"
        try:
            result = _train_trial(plan, self.data, self.expert_path, folder)
        except FailedTrialError as error:
            print(f"{name}: failed, {error}")
            raise
        # Keras Tuner would take any other error for a failed trial, too.
        except (ValueError, OSError, tf.errors.ResourceExhaustedError) as error:
            raise FatalValueError(f"In {name}: {error}") from error
        except Exception as error:
            raise FatalError(name) from error
        print(
            f"{name}: {result[OBJECTIVE]:.2%} "
            f"(epoch {result['best_epoch']} of {result['epochs']}), "
            f"{result['seconds']:.0f} s"
        )
        return result

    def pre_create_trial(self) -> None:
        """Waits a little where the oracle had no trial a moment ago."""
        if self._idle:
            time.sleep(1)
        self._idle = True

    def on_trial_begin(self, trial: Trial) -> None:
        """See `BaseTuner`."""
        self._idle = False
        super().on_trial_begin(trial)

    def on_trial_end(self, trial: Trial) -> None:
        """Writes the result, then lets go of the trial's weights."""
        super().on_trial_end(trial)
        self._folder_of(trial).checkpoint.unlink(missing_ok=True)

    def _folder_of(self, trial: Trial) -> RunFolder:
        return RunFolder(self.get_trial_dir(trial.trial_id))

    def save(self) -> None:
        """Writes the state, which is the oracle's, where the oracle is."""
        if not self._is_worker():
            self.oracle.save()

    def _get_tuner_fname(self) -> str:
        """The file whose presence tells Keras Tuner to resume the search."""
        return str(pathlib.Path(self.project_dir) / "oracle.json")


def describe(settings: Mapping[str, Any]) -> str:
    """Settings as one line."""
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _train_trial(
    plan: Plan,
    data: Collection | None,
    expert_path: pathlib.Path | None,
    folder: RunFolder,
) -> dict[str, float]:
    assert data is not None, "a chief trains nothing"
    keras.backend.clear_session()
    try:
        data, _ = teach(plan, data, expert_path)
    except NothingToLearn as error:
        raise FailedTrialError(str(error)) from error
    _, checkpoint = train(
        plan, data, expert_path, folder, [_Watch()], verbose=0
    )
    history, best_epoch = folder.history, checkpoint.best_epoch
    assert best_epoch is not None, "a training has at least one epoch"
    return {
        # Of a training in phases it need not be the maximum.
        OBJECTIVE: checkpoint.best_value,
        "best_epoch": best_epoch,
        "epochs": checkpoint.epoch,
        "seconds": sum(history["seconds"]),
    }


class _Watch(keras.callbacks.Callback):
    """Fails a trial that diverges; times epochs into the history."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if reason := why_diverged(logs):
            raise FailedTrialError(f"{reason}, in epoch {epoch + 1}")
        logs["seconds"] = time.monotonic() - self.began
