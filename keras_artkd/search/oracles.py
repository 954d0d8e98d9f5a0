"""Keras Tuner's oracles, which survive a kill at any moment.

An oracle decides what the next trial tries. Keras Tuner writes its state in
place, in two steps, and forgets where its random numbers were.
"""

import math
import pathlib
import warnings
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from keras_artkd.catalogue.spaces import Float
from keras_artkd.files import write_json
from keras_artkd.runs.plan import Plan
from keras_artkd.search.settings import Settings
from keras_artkd.search.space import Space, search_space

OBJECTIVE = "val_accuracy"
DEFAULT_TRIALS = 30
ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


class _Resumable(keras_tuner.Oracle):
    """The additions of this project to any of Keras Tuner's oracles.

    The first trial has the recipe's own settings: what the search gains is
    then there to be read.
    """

    trials: dict[str, Trial]

    def save(self) -> None:
        """Writes which trials there are, atomically."""
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: Trial) -> None:
        folder = pathlib.Path(self._get_trial_dir(trial.trial_id))
        write_json(folder / "trial.json", trial.get_state())

    def reload(self) -> None:
        """Reads the state; trials that had not ended are run again."""
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
    def release(self, tuner_id: str) -> None:
        """Gives the trial of a worker that died to the others."""
        self.tuner_ids.discard(tuner_id)
        trial = self.ongoing_trials.pop(tuner_id, None)
        if trial is not None:
            self._retry_queue.append(trial.trial_id)
        self.save()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """See `keras_tuner.Oracle`; depends on the trials so far alone."""
        self._random_state = np.random.RandomState(self.seed + int(trial_id))
        return super().populate_space(trial_id)

    def _random_values(self) -> dict[str, Any] | None:
        if not self.trials:
            return {hp.name: hp.default for hp in self.hyperparameters.space}
        return super()._random_values()


class _Random(_Resumable, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Bayesian(_Resumable, keras_tuner.oracles.BayesianOptimizationOracle):
    def populate_space(self, trial_id: str) -> dict[str, Any]:
        # Matrices this small are many times slower on several threads.
        with threadpool_limits(1), warnings.catch_warnings():
            # Of a kernel fitted to few trials; nothing a user can act on.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)


class _Hyperband(_Resumable, keras_tuner.oracles.HyperbandOracle):
    @property
    def whole_round(self) -> int:
        """Trials until every bracket has been through."""
        return sum(
            self._get_size(bracket, round_)
            for bracket in range(self._get_num_brackets())
            for round_ in range(bracket + 1)
        )


def make_oracle(settings: Settings, plan: Plan) -> keras_tuner.Oracle:
    """The oracle of a search, with the seed of the plan.

    Args:
        settings: `Settings`.
        plan: `Plan`.

    Returns:
        `keras_tuner.Oracle`; its `max_trials` is the number of trials.
    """
    space = search_space(plan)
    arguments = {
        "objective": keras_tuner.Objective(OBJECTIVE, "max"),
        "hyperparameters": _hyperparameters(space, plan),
        # Keras Tuner takes 0 for none.
        "seed": plan.config.schedule.seed + 1,
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
            max_epochs=plan.config.schedule.epochs,
            hyperband_iterations=None,
            **arguments,
        )
        oracle.max_trials = settings.trials or oracle.whole_round
    oracle.verbose = 0
    return oracle


def _hyperparameters(space: Space, plan: Plan) -> keras_tuner.HyperParameters:
    """The space as Keras Tuner has it; its defaults are the recipe's."""
    defaults = {
        **plan.method.options,
        **plan.options,
        "learning_rate": plan.first_rate,
    }
    hyperparameters = keras_tuner.HyperParameters()
    for name, values in space.items():
        if isinstance(values, Float):
            hyperparameters.Float(
                name,
                values.low,
                values.high,
                sampling=values.sampling,
                default=defaults[name],
            )
        else:
            hyperparameters.Choice(
                name, list(values.values), default=defaults[name]
            )
    return hyperparameters
