"""One trial: a training of the recipe with other settings."""

import contextlib
import dataclasses
import io
import pathlib
import time

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.errors import FailedTrialError, FatalError, FatalValueError

from keras_artkd.pseudo_labels import NothingToLearn
from recipes.common import train
from recipes.pseudo_labelling import teach
from recipes.searching.oracles import OBJECTIVE, make_oracle
from recipes.searching.settings import search_folder
from recipes.searching.space import (
    search_space,
    trial_config,
    trial_settings,
)

# Keras Tuner would print the traceback of a trial that failed.
keras_tuner.src.config.DEBUG = False


class Tuner(BaseTuner):
    """Runs trials, alone or as one of the processes of a search.

    A trial trains on the training split and is judged by its best epoch on
    the validation split. It has no test split at all. Interrupted, it goes on
    from its last whole epoch.

    Args:
        settings: `Settings`.
        config: `Config`.
        data: a `datasets.Collection`; None for a chief, which trains nothing.
        expert_path: path of the trained expert, or None.
    """

    def __init__(self, settings, config, data=None, expert_path=None):
        folder = search_folder(settings, config)
        with contextlib.redirect_stdout(io.StringIO()):
            super().__init__(
                make_oracle(settings, config),
                directory=folder.parent,
                project_name=folder.name,
            )
        self.config = config
        # Whatever would read the test split fails.
        self.data = data and dataclasses.replace(data, test=None)
        self.expert_path = expert_path
        self._idle = False

    def run_trial(self, trial):
        """Trains; returns what `report.read_trials` reads."""
        values = trial.hyperparameters.values
        settings = trial_settings(search_space(self.config), values)
        config = trial_config(self.config, settings, values.get("tuner/epochs"))
        folder = pathlib.Path(self.get_trial_dir(trial.trial_id))
        name = f"trial {trial.trial_id}: {describe(settings)}"
        try:
            result = _train_trial(config, self.data, self.expert_path, folder)
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

    def pre_create_trial(self):
        """Waits a little where the oracle had no trial a moment ago."""
        if self._idle:
            time.sleep(1)
        self._idle = True

    def on_trial_begin(self, trial):
        """See `BaseTuner`."""
        self._idle = False
        super().on_trial_begin(trial)

    def on_trial_end(self, trial):
        """Writes the result, then lets go of the trial's weights."""
        super().on_trial_end(trial)
        folder = pathlib.Path(self.get_trial_dir(trial.trial_id))
        (folder / "checkpoint.npz").unlink(missing_ok=True)

    def save(self):
        """Writes the state, which is the oracle's, where the oracle is."""
        if not self._is_worker():
            self.oracle.save()

    def _get_tuner_fname(self):
        """The file whose presence tells Keras Tuner to go on with it."""
        return str(pathlib.Path(self.project_dir) / "oracle.json")


def describe(settings):
    """Settings as one line."""
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _train_trial(config, data, expert_path, folder):
    keras.backend.clear_session()
    try:
        data, _ = teach(config, data, expert_path)
    except NothingToLearn as error:
        raise FailedTrialError(str(error)) from error
    _, checkpoint = train(
        config, data, expert_path, folder, [_Watch()], verbose=0
    )
    history = checkpoint.history
    return {
        OBJECTIVE: max(history[OBJECTIVE]),
        "best_epoch": checkpoint.best_epoch,
        "epochs": checkpoint.epoch,
        "seconds": sum(history["seconds"]),
    }


class _Watch(keras.callbacks.Callback):
    """Fails a trial that goes astray; times epochs into the history."""

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite(logs["loss"]):
            raise FailedTrialError(
                f"the loss was {logs['loss']} in epoch {epoch + 1}"
            )
        logs["seconds"] = time.monotonic() - self.began
