"""A search that is killed, of canned trials."""

import itertools

import pytest

from keras_artkd.search import oracles, tuner
from keras_artkd.search.settings import Settings
from tests.search.canned import run_trials


class Killed(BaseException):
    """Nothing catches it."""


def killing(write_json, moment, written):
    """`write_json`, which kills at a moment, before or after it writes."""
    calls = itertools.count()

    def write(path, value):
        dies = next(calls) >= moment
        if written or not dies:
            write_json(path, value)
        if dies:
            raise Killed

    return write


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize(
    ("name", "every"), [("bayesian", 3), ("random", 1), ("hyperband", 1)]
)
def test_killed_at_any_write_it_resumes_to_the_same(
    name,
    every,
    written,
    make_plan,
    tmp_path,
    monkeypatch,
    training,
    coarse_optimum,
):
    """The last words of the oracle are lost."""
    settings = Settings(tuner=name, trials=4)
    write_json, writes = oracles.write_json, []

    def counted(path, value):
        writes.append(path)
        write_json(path, value)

    monkeypatch.setattr(oracles, "write_json", counted)
    whole = make_plan(epochs=3, workdir=str(tmp_path / "whole"))
    expected = run_trials(settings, whole)
    assert len(expected) == 4 and len(writes) >= 12

    for moment in range(0, len(writes), every):
        workdir = str(tmp_path / str(moment))
        interrupted = make_plan(epochs=3, workdir=workdir)
        training.trained.clear()
        write = killing(write_json, moment, written)
        monkeypatch.setattr(oracles, "write_json", write)
        with pytest.raises(Killed):
            run_trials(settings, interrupted)
        monkeypatch.setattr(oracles, "write_json", write_json)
        assert run_trials(settings, interrupted) == expected, moment
        # At most the interrupted trial was run twice.
        assert len(training.trained) <= 5


def test_the_trial_of_a_dead_worker_goes_to_another(make_plan):
    oracle = tuner.Tuner(Settings(trials=3), make_plan()).oracle
    trial = oracle.create_trial("worker0")
    other = oracle.create_trial("worker1")
    oracle.release("worker0")
    assert oracle.tuner_ids == {"worker1"}
    assert other.trial_id != trial.trial_id
    other.status = "COMPLETED"
    oracle.update_trial(other.trial_id, {"val_accuracy": 0.5})
    oracle.end_trial(other)
    assert oracle.create_trial("worker1").trial_id == trial.trial_id


def test_one_process_resumes_what_two_began(make_plan, training):
    settings = Settings(tuner="random", trials=4)
    oracle = tuner.Tuner(settings, make_plan()).oracle
    ended = oracle.create_trial("worker0")
    begun = oracle.create_trial("worker1")
    result = {"val_accuracy": 0.25, "best_epoch": 9, "seconds": 1.0}
    oracle.update_trial(ended.trial_id, result)
    ended.status = "COMPLETED"
    oracle.end_trial(ended)
    # Both are killed.
    trials = run_trials(settings, make_plan())
    assert [t["status"] for t in trials] == 4 * ["completed"]
    assert trials[0]["val_accuracy"] == 0.25
    assert begun.trial_id == trials[1]["trial"]
    assert len(training.trained) == 3
