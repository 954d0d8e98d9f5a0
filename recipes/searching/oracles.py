"""Keras Tuner's oracles, made to survive a kill at any moment.

An oracle decides what the next trial tries. Keras Tuner writes its state in
place, in two steps, and forgets where its random numbers were.
"""

import math
import pathlib
import warnings

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import TrialStatus
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from keras_artkd.files import write_json
from recipes.searching.space import search_space, to_hyperparameters

OBJECTIVE = "val_accuracy"
DEFAULT_TRIALS = 30
ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


class _Resumable:
    """What this project adds to any of Keras Tuner's oracles.

    The first trial has the recipe's own settings: what the search gains is
    then there to be read.
    """

    def save(self):
        """Writes which trials there are, atomically."""
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial):
        folder = pathlib.Path(self._get_trial_dir(trial.trial_id))
        write_json(folder / "trial.json", trial.get_state())

    def reload(self):
        """Reads the state; what had not ended is to be run again."""
        super().reload()
        # A trial that the state does not know was given to nobody.
        self.trials = {key: self.trials[key] for key in self.start_order}
        ended = [k for k, t in self.trials.items() if t.status in ENDED]
        self.end_order += [key for key in ended if key not in self.end_order]
        unfinished = [key for key in self.trials if key not in ended]
        for key in unfinished:
            metrics = self.trials[key].metrics
            self.trials[key].metrics = type(metrics)()
        self._retry_queue = unfinished[::-1]

    @keras_tuner.synchronized
    def release(self, tuner_id):
        """Gives the trial of a worker that died to the others."""
        self.tuner_ids.discard(tuner_id)
        trial = self.ongoing_trials.pop(tuner_id, None)
        if trial is not None:
            self._retry_queue.append(trial.trial_id)
        self.save()

    def populate_space(self, trial_id):
        """See `keras_tuner.Oracle`; depends on the trials so far alone."""
        self._random_state = np.random.RandomState(self.seed + int(trial_id))
        return super().populate_space(trial_id)

    def _random_values(self):
        if not self.trials:
            return {hp.name: hp.default for hp in self.hyperparameters.space}
        return super()._random_values()


class _Random(_Resumable, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Bayesian(_Resumable, keras_tuner.oracles.BayesianOptimizationOracle):
    def populate_space(self, trial_id):
        # Matrices this small are many times slower on several threads.
        with threadpool_limits(1), warnings.catch_warnings():
            # Of a kernel fitted to few trials; nothing a user can act on.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)


class _Hyperband(_Resumable, keras_tuner.oracles.HyperbandOracle):
    @property
    def whole_round(self):
        """Trials until every bracket has been through."""
        return sum(
            self._get_size(bracket, round_)
            for bracket in range(self._get_num_brackets())
            for round_ in range(bracket + 1)
        )


def make_oracle(settings, config):
    """The oracle of a search, seeded by the configuration.

    Args:
        settings: `Settings`.
        config: `Config`.

    Returns:
        `keras_tuner.Oracle`; its `max_trials` is the number of trials.
    """
    space = search_space(config)
    arguments = {
        "objective": keras_tuner.Objective(OBJECTIVE, "max"),
        "hyperparameters": to_hyperparameters(space, config),
        # Keras Tuner takes 0 for none.
        "seed": config.seed + 1,
        "max_consecutive_failed_trials": math.inf,
    }
    trials = settings.trials or DEFAULT_TRIALS
    if settings.tuner == "random":
        oracle = _Random(max_trials=trials, **arguments)
    elif settings.tuner == "bayesian":
        oracle = _Bayesian(
            max_trials=trials,
            # Keras Tuner's, but never more than half of the trials.
            num_initial_points=min(3 * len(space), math.ceil(trials / 2)),
            **arguments,
        )
    else:
        oracle = _Hyperband(
            max_epochs=config.epochs, hyperband_iterations=None, **arguments
        )
        oracle.max_trials = settings.trials or oracle.whole_round
    oracle.verbose = 0
    return oracle
