"""The search: spaces, interruptions, processes, what it leaves behind."""

import dataclasses
import importlib.util
import inspect
import json
import os
import pathlib
import re
import runpy
import subprocess
import sys
import time

import numpy as np
import pytest
from keras_tuner.errors import FailedTrialError
from PIL import Image

from keras_artkd import models
from keras_artkd.distillers.spaces import Choice, Float
from recipes import common, search
from recipes.config import Config
from recipes.searching import importance, oracles, tuner, workers
from recipes.searching.importance import (
    FEWEST_TRIALS,
    draw_importance,
    measure_importance,
)
from recipes.searching.report import read_trials, standard_error
from recipes.searching.settings import Settings, search_folder
from recipes.searching.space import search_space, trial_config

# Keras Tuner 1.4.8 uses threading's old names.
pytestmark = [
    pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:getName:DeprecationWarning"),
]

ROOT = pathlib.Path(__file__).parents[2]
# Small enough to train a trial in a second or two.
FLAGS = (
    "--recipe atelier --data-options scenes 8 --image-size 16 --epochs 2 "
    "--batch-size 16 --student wrn_10_1 --expert-network wrn_10_1"
).split()


def config(tmp_path, **changes):
    settings = {
        "recipe": "atelier",
        "dataset": "atelier",
        "data_options": {"scenes": 8},
        "method": "kd",
        "student": "wrn_10_1",
        "expert_network": "wrn_10_1",
        "image_size": 16,
        "epochs": 9,
        "workdir": str(tmp_path),
    }
    return Config(**{**settings, **changes})


def flags(tmp_path, *more):
    return [*FLAGS, "--workdir", str(tmp_path), *more]


def baseline_flags(tmp_path):
    return flags(tmp_path, "--method", "baseline")


def result(folder):
    return json.loads((folder / "trials.json").read_text())["trials"]


def untimed(trials):
    return [{k: v for k, v in t.items() if k != "seconds"} for t in trials]


def the_search(tmp_path):
    (folder,) = (tmp_path / "atelier").glob("search-*")
    return folder


# What is searched.


def test_space_is_the_methods_less_what_is_set(tmp_path):
    space = search_space(config(tmp_path))
    assert list(space) == ["temperature", "alpha", "learning_rate"]
    assert space["learning_rate"] == Float(0.001, 0.1, "log")
    fixed = config(tmp_path, options={"alpha": 0.5})
    assert list(search_space(fixed)) == ["temperature", "learning_rate"]
    trial = trial_config(fixed, {"temperature": 2.0, "learning_rate": 0.03})
    assert trial.options == {"alpha": 0.5, "temperature": 2.0}
    assert list(search_space(config(tmp_path, method="baseline"))) == [
        "learning_rate"
    ]


@pytest.mark.parametrize("epochs", [None, 1])
def test_all_trials_have_the_same_expert(tmp_path, epochs):
    of_search = config(tmp_path)
    trial = trial_config(
        of_search, {"temperature": 2.0, "learning_rate": 0.03}, epochs
    )
    assert trial.learning_rate == 0.03
    assert trial.epochs == (epochs or 9)
    expert = of_search.expert_config().run_dir
    assert trial.expert_config().run_dir == expert


def test_one_search_is_one_folder(tmp_path):
    of_search, settings = config(tmp_path), Settings()
    folder = search_folder(settings, of_search)
    for same in (Settings(trials=50), Settings(workers=4)):
        assert search_folder(same, of_search) == folder
    resumed = dataclasses.replace(of_search, resume=True)
    assert search_folder(settings, resumed) == folder
    for changes in (
        {"epochs": 8},
        {"learning_rate": 0.02},
        {"options": {"alpha": 0.5}},
        {"expert_network": "wrn_16_1"},
        {"split_seed": 1},
    ):
        other = dataclasses.replace(of_search, **changes)
        assert search_folder(settings, other) != folder, changes
    assert search_folder(Settings(tuner="random"), of_search) != folder


# Trials without training: what oracles and interruptions do.


def accuracy_of(settings):
    """Best at temperature 6, alpha 0.4, learning rate 0.03."""
    return float(
        np.exp(
            -((np.log(settings["temperature"] / 6) / 2) ** 2)
            - (settings["alpha"] - 0.4) ** 2
            - np.log(settings["learning_rate"] / 0.03) ** 2
        )
    )


class Training:
    """Takes the place of training; remembers what was trained."""

    def __init__(self):
        self.epochs = []
        self.accuracy_of = accuracy_of

    def __call__(self, config, data, expert_path, folder):
        self.epochs.append(config.epochs)
        settings = {**config.options, "learning_rate": config.learning_rate}
        return {
            "val_accuracy": self.accuracy_of(settings)
            * (1 - 0.5 / config.epochs),
            "best_epoch": config.epochs,
            "epochs": config.epochs,
            "seconds": 1.0,
        }


@pytest.fixture
def training(monkeypatch):
    training = Training()
    monkeypatch.setattr(tuner, "_train_trial", training)
    return training


def run_trials(settings, config):
    it = tuner.Tuner(settings, config)
    it.search()
    return read_trials(it.oracle, config)


@pytest.mark.parametrize("name", ["bayesian", "random", "hyperband"])
def test_tuners_find_better_settings_than_the_recipes(
    name, tmp_path, training, capsys
):
    settings = Settings(tuner=name, trials=8)
    trials = run_trials(settings, config(tmp_path))
    assert len(trials) == len(training.epochs) == 8
    # The first trial has the recipe's own settings.
    assert trials[0]["settings"] == {
        "temperature": 4.0,
        "alpha": 0.9,
        "learning_rate": 0.01,
    }
    assert len({json.dumps(t["settings"]) for t in trials[:6]}) == 6
    best = max(trials, key=lambda t: t["val_accuracy"])
    assert best["val_accuracy"] > trials[0]["val_accuracy"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[0].startswith(
        "trial 0: temperature 4.0, alpha 0.9, learning_rate 0.01: "
    )
    # Seeded: another search of the same finds the same.
    again = config(tmp_path / "again")
    assert untimed(run_trials(settings, again)) == untimed(trials)
    other = config(tmp_path / "other", seed=1)
    assert untimed(run_trials(settings, other)) != untimed(trials)


def test_bayesian_search_closes_in(tmp_path, training):
    """The second half of its trials, which it chooses, beats the first."""
    trials = run_trials(Settings(trials=16), config(tmp_path))
    accuracy = [t["val_accuracy"] for t in trials]
    assert np.mean(accuracy[8:]) > np.mean(accuracy[1:8])
    assert max(accuracy[8:]) > max(accuracy[:8])


def test_hyperband_trains_the_best_for_longer(tmp_path, training):
    """Nine epochs by default: brackets from 1, 3 and 9 epochs."""
    settings = Settings(tuner="hyperband")
    trials = run_trials(settings, config(tmp_path))
    assert training.epochs == [t["epochs"] for t in trials]
    assert set(training.epochs) == {1, 3, 9}
    short = [t for t in trials[:13] if t["epochs"] == 1]
    longer = [t for t in trials[:13] if t["epochs"] == 3]
    ranked = sorted(short, key=lambda t: -t["val_accuracy"])
    promoted = {json.dumps(t["settings"]) for t in longer}
    assert promoted == {
        json.dumps(t["settings"]) for t in ranked[: len(promoted)]
    }
    oracle = tuner.Tuner(settings, config(tmp_path)).oracle
    assert len(trials) == oracle.max_trials == oracle.whole_round


class Killed(BaseException):
    """As nothing catches it."""


@pytest.mark.parametrize(
    ("name", "every"), [("bayesian", 5), ("random", 1), ("hyperband", 1)]
)
def test_killed_at_any_write_it_goes_on_to_the_same(
    name, every, tmp_path, monkeypatch, training
):
    settings = Settings(tuner=name, trials=4)
    # The oracle's last words are lost, before or after they were written.
    write_json = oracles.write_json
    writes = []

    def counted(path, value):
        writes.append(path)
        write_json(path, value)

    monkeypatch.setattr(oracles, "write_json", counted)
    of_search = config(tmp_path / "whole", epochs=3)
    expected = run_trials(settings, of_search)
    assert len(expected) == 4 and len(writes) >= 12

    def killing(moment, written):
        def write(path, value):
            nonlocal left
            left -= 1
            if left < 0 and written:
                write_json(path, value)
            if left < 0:
                raise Killed
            write_json(path, value)

        left = moment
        return write

    for moment in range(0, len(writes), every):
        for written in (False, True):
            interrupted = dataclasses.replace(
                of_search, workdir=str(tmp_path / f"{moment}{written}")
            )
            training.epochs.clear()
            monkeypatch.setattr(oracles, "write_json", killing(moment, written))
            with pytest.raises(Killed):
                run_trials(settings, interrupted)
            monkeypatch.setattr(oracles, "write_json", write_json)
            trials = run_trials(settings, interrupted)
            assert untimed(trials) == untimed(expected), (moment, written)
            # At most the interrupted trial was run twice.
            assert len(training.epochs) <= 5


def test_finished_search_can_be_made_longer(tmp_path, training):
    of_search = config(tmp_path)
    first = run_trials(Settings(tuner="random", trials=9), of_search)
    longer = run_trials(Settings(tuner="random", trials=11), of_search)
    assert len(training.epochs) == 11
    assert longer[:9] == first
    assert [int(t["trial"]) for t in longer] == list(range(11))


def test_failed_trials_do_not_end_a_search(
    tmp_path, monkeypatch, training, capsys
):
    def some_fail(config, *rest):
        if len(training.epochs) in (1, 2, 3, 4):
            training.epochs.append(0)
            raise FailedTrialError("the loss was nan in epoch 1")
        return training(config, *rest)

    monkeypatch.setattr(tuner, "_train_trial", some_fail)
    trials = run_trials(Settings(trials=8), config(tmp_path))
    assert [t["status"] for t in trials] == (
        ["completed"] + 4 * ["failed"] + 3 * ["completed"]
    )
    assert trials[1]["val_accuracy"] is None
    output = capsys.readouterr()
    assert output.out.count("failed, the loss was nan in epoch 1") == 4
    assert not output.err


def test_other_errors_end_it(tmp_path, monkeypatch):
    """Keras Tuner would take them for failed trials."""

    def mistaken(*arguments):
        raise ValueError("`temperature` must be positive.")

    monkeypatch.setattr(tuner, "_train_trial", mistaken)
    with pytest.raises(ValueError, match="In trial 00:.*must be positive"):
        run_trials(Settings(), config(tmp_path))


def test_trial_of_a_dead_worker_goes_to_another(tmp_path):
    oracle = tuner.Tuner(Settings(trials=3), config(tmp_path)).oracle
    trial = oracle.create_trial("worker0")
    other = oracle.create_trial("worker1")
    oracle.release("worker0")
    assert oracle.tuner_ids == {"worker1"}
    assert other.trial_id != trial.trial_id
    other.status = "COMPLETED"
    oracle.update_trial(other.trial_id, {"val_accuracy": 0.5})
    oracle.end_trial(other)
    assert oracle.create_trial("worker1").trial_id == trial.trial_id


# What mattered.


def made_up(count, seed=0):
    """Trials whose accuracy is a matter of alpha alone, nearly."""
    random = np.random.default_rng(seed)
    return [
        {
            "trial": str(number),
            "status": "completed",
            "settings": {
                "alpha": float(alpha),
                "rate": float(rate),
                "teacher": str(random.choice(["expert", "initial"])),
            },
            "val_accuracy": float(alpha + random.normal(0, 0.02)),
            "best_epoch": 1,
            "epochs": 2,
            "seconds": 1.0,
        }
        for number, (alpha, rate) in enumerate(
            random.uniform(0.1, 0.9, (count, 2))
        )
    ]


SPACE = {
    "alpha": Float(0.1, 0.9),
    "rate": Float(0.1, 0.9, "log"),
    "teacher": Choice(("expert", "initial")),
}


@pytest.fixture
def few_trees(monkeypatch):
    """For what does not depend on how well the forest learns."""
    monkeypatch.setattr(importance, "TREES", 25)
    monkeypatch.setattr(importance, "PERMUTATIONS", 40)


def test_importance_finds_what_mattered():
    measured = measure_importance(SPACE, made_up(40), seed=0)
    means = {k: v["mean"] for k, v in measured["importance"].items()}
    assert means["alpha"] > 5 * max(means["rate"], means["teacher"])
    assert measured["forest_r2"] > 0.5 and measured["p_value"] < 0.05
    assert measured["rank_correlation"]["alpha"] > 0.9
    assert "teacher" not in measured["rank_correlation"]
    json.dumps(measured, allow_nan=False)


@pytest.mark.slow
def test_of_noise_no_ranking_is_drawn(few_trees):
    drawn = 0
    for seed in range(4):
        trials = made_up(FEWEST_TRIALS, seed)
        random = np.random.default_rng(100 + seed)
        for trial in trials:
            trial["val_accuracy"] = random.uniform()
        measured = measure_importance(SPACE, trials, seed)
        drawn += measured["importance"] is not None
        assert 0 < measured["p_value"] <= 1
    # At a level of 0.05, two of four come by chance once in 70 times.
    assert drawn <= 1


def test_epochs_count_as_a_setting_where_they_differ(few_trees):
    trials = made_up(30)
    for number, trial in enumerate(trials):
        trial["epochs"] = 1 + number % 3
        trial["val_accuracy"] = trial["epochs"] / 4
    means = measure_importance(SPACE, trials, seed=0)["importance"]
    assert max(means, key=lambda name: means[name]["mean"]) == "epochs"


@pytest.mark.parametrize(
    ("case", "count"),
    [("few", FEWEST_TRIALS - 1), ("one", 1), ("equal", FEWEST_TRIALS)],
)
def test_nothing_is_said_of_importance_where_nothing_can_be(
    case, count, tmp_path
):
    trials = made_up(count)
    if case == "equal":
        for trial in trials:
            trial["val_accuracy"] = 0.5
    measured = measure_importance(SPACE, trials, seed=0)
    assert measured["importance"] is None and measured["forest_r2"] is None
    assert (measured["rank_correlation"] == {}) == (case != "few")
    draw_importance(tmp_path / "i.png", SPACE, trials, measured, 0.02)
    assert Image.open(tmp_path / "i.png").width > 500


def test_figure_shows_failed_trials_too(tmp_path, few_trees):
    trials = made_up(20)
    measured = measure_importance(SPACE, trials, seed=0)
    draw_importance(tmp_path / "a.png", SPACE, trials, measured, 0.02)
    failed = {
        "trial": "20",
        "status": "failed",
        "settings": {"alpha": 0.5, "rate": 0.2, "teacher": "initial"},
        "val_accuracy": None,
        "epochs": 2,
    }
    draw_importance(
        tmp_path / "b.png", SPACE, [*trials, failed], measured, 0.02
    )
    red = [
        (np.array(Image.open(tmp_path / name).convert("RGB")).astype(int))
        for name in ("a.png", "b.png")
    ]
    reddish = [((i[..., 0] - i[..., 1:].max(-1)) > 120).sum() for i in red]
    assert reddish[1] > reddish[0]


def test_standard_error():
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert standard_error(0.2, 400) == pytest.approx(0.02)


# Whole searches, as their users run them.


class Untouchable:
    """A split that only the fingerprint of the data may read, by `_digest`."""

    def __init__(self, store):
        self.__dict__["store"] = store

    def _check(self):
        reader = inspect.stack()[2]
        if reader.function != "_digest" and (
            pathlib.Path(reader.filename).name != "provenance.py"
        ):
            raise AssertionError(f"{reader.function} reads the test split")

    def __getattr__(self, name):
        self._check()
        return getattr(self.__dict__["store"], name)

    def __len__(self):
        self._check()
        return len(self.__dict__["store"])


def load_untouchable(config):
    data = common.load_data(config)
    return dataclasses.replace(data, test=Untouchable(data.test))


@pytest.fixture(scope="module")
def expert(tmp_path_factory):
    """Untrained; nobody asks."""
    path = tmp_path_factory.mktemp("expert") / "expert.keras"
    data = common.load_data(config(path.parent))
    models.build("wrn_10_1", len(data.class_names), (16, 16, 3)).save(path)
    return path


@pytest.mark.slow
def test_trials_get_no_test_split_where_the_search_trains_the_expert(
    tmp_path, short_runs, monkeypatch
):
    given, train = [], tuner._train_trial

    def noted(config, data, *others):
        given.append(data.test)
        return train(config, data, *others)

    monkeypatch.setattr(tuner, "_train_trial", noted)
    arguments = flags(tmp_path, "--method", "kd", "--trials", "2")
    assert search.main([*arguments, "--tuner", "random"]) == 0
    assert given == [None, None]


@pytest.mark.slow
def test_search_end_to_end_without_the_test_split(
    tmp_path, expert, short_runs, monkeypatch, capsys
):
    with pytest.raises(AssertionError, match="reads the test split"):
        len(load_untouchable(config(tmp_path)).test)
    monkeypatch.setattr(search, "load_data", load_untouchable)
    arguments = flags(tmp_path, "--method", "kd", "--expert", str(expert))
    arguments += ["--trials", "3", "--tuner", "random"]
    assert search.main(arguments) == 0
    output = capsys.readouterr()
    assert not output.err
    folder = the_search(tmp_path)
    assert {p.name for p in folder.iterdir()} == {
        "best.py",
        "config.json",
        "data.json",
        "importance.json",
        "importance.png",
        "oracle.json",
        "trial_0",
        "trial_1",
        "trial_2",
        "trials.json",
        "trials.md",
        "versions.json",
    }
    trials = result(folder)
    assert [t["status"] for t in trials] == 3 * ["completed"]
    best = max(trials, key=lambda t: t["val_accuracy"])
    for trial in trials:
        history = json.loads(
            (folder / f"trial_{trial['trial']}/history.json").read_text()
        )
        values = history["val_accuracy"]
        assert trial["val_accuracy"] == pytest.approx(max(values), abs=1e-6)
        assert trial["best_epoch"] == 1 + values.index(max(values))
        assert trial["epochs"] == len(values) == 2
    assert f"Best: trial {best['trial']}" in output.out
    assert "one standard error" in output.out
    table = (folder / "trials.md").read_text().splitlines()
    assert table[4].startswith(f"| {best['trial']} |")
    assert len(table) == 7

    # The same command again trains nothing, and finds the same.
    before = (folder / "best.py").read_text()
    assert search.main(arguments) == 0
    assert "trial 1:" not in capsys.readouterr().out
    assert result(folder) == trials
    assert (folder / "best.py").read_text() == before

    # What it leaves is a recipe of the best trial's settings.
    spec = importlib.util.spec_from_file_location("best", folder / "best.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    chosen = dict(best["settings"])
    assert module.CONFIG == config(
        tmp_path.resolve(),
        epochs=2,
        batch_size=16,
        expert=str(expert),
        expert_epochs=2,
        expert_learning_rate=0.01,
        learning_rate=chosen.pop("learning_rate"),
        options=chosen,
    )

    # It runs from any folder, and goes on like any other recipe.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["best.py"])
    for status in (0, 2):
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(folder / "best.py"), run_name="__main__")
        assert ended.value.code == status
    assert "This run is finished" in capsys.readouterr().err
    metrics = json.loads((module.CONFIG.run_dir / "metrics.json").read_text())
    # The same training, seeded: its validation accuracy is the search's.
    assert metrics["validation"]["accuracy"] == pytest.approx(
        best["val_accuracy"], abs=1e-6
    )

    # Other images under the same name are refused.
    def load_changed(config):
        data = common.load_data(config)
        data.train.pixels[0] += 1
        return data

    monkeypatch.setattr(search, "load_data", load_changed)
    assert search.main([*arguments, "--trials", "4"]) == 2
    assert "images changed since" in capsys.readouterr().err
    assert result(folder) == trials


@pytest.mark.slow
def test_interrupted_search_goes_on_within_the_trial(
    tmp_path, monkeypatch, capsys
):
    arguments = [*baseline_flags(tmp_path), "--trials", "2"]
    epochs = []

    class Interrupting(tuner._Watch):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            epochs.append(epoch)
            if len(epochs) == 4:
                raise KeyboardInterrupt

    monkeypatch.setattr(tuner, "_Watch", Interrupting)
    assert search.main(arguments) == 130
    assert "same command goes on" in capsys.readouterr().err
    assert search.main(arguments) == 0
    # Trial 1 was interrupted in its second epoch, and began again there.
    assert epochs == [0, 1, 0, 1, 1]
    trials = result(the_search(tmp_path))
    assert [t["epochs"] for t in trials] == [2, 2]
    assert all(t["seconds"] > 0 for t in trials)


@pytest.mark.slow
def test_all_trials_failed(tmp_path, capsys):
    arguments = [*baseline_flags(tmp_path), "--trials", "2"]
    assert search.main([*arguments, "--learning-rate", "1e30"]) == 2
    output = capsys.readouterr()
    assert output.out.count("failed, the loss was") == 2
    (line,) = output.err.splitlines()
    assert "No trial ended with a finite loss. Received: 2 failed" in line
    assert "| failed |" in (the_search(tmp_path) / "trials.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--recipe", "karate"],
            "atelier, cifar10, cifar100, .*demo, folder.*'karate'",
        ),
        (["--recipe", "common"], "Received: 'common'"),
        ([*FLAGS, "--trials", "0"], "`trials` must be.*trials=0"),
        ([*FLAGS, "--workers", "0"], "workers=0"),
        ([*FLAGS, "--ablation"], "one method.*--ablation"),
        ([*FLAGS, "--student", "wrn_11_1"], "depth=11"),
        (["--data-dir", "nowhere"], "nowhere"),
        # Before the data is loaded.
        (
            ["--data-dir", "nowhere", "--method", "byot+skdsam"],
            "exits of one method",
        ),
        (
            [*FLAGS, "--method", "kd", "--expert", "nobody.keras"],
            "nobody.keras",
        ),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments, message, tmp_path, capsys
):
    assert search.main([*arguments, "--workdir", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert re.search(message, line), line
    assert not list(tmp_path.iterdir())


def test_typos_list_what_exists(capsys):
    assert search.main(["--trails", "3"]) == 2
    error = capsys.readouterr().err
    assert "--trials" in error and error.count("\n") == 1


def test_half_an_environment_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker0")
    assert search.main(flags(tmp_path)) == 2
    assert "no KERASTUNER_ORACLE_IP and no" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# Several processes. The program runs in each of them: workers import it.
PROGRAM = """
import os, pathlib, signal, sys, time
from recipes import search
from recipes.searching import tuner

train = tuner._train_trial

def noted(config, data, expert_path, folder):
    with open(folder / "pids", "a") as pids:
        print(os.getpid(), file=pids)
    {body}

tuner._train_trial = noted

if __name__ == "__main__":
    raise SystemExit(search.main(sys.argv[1:]))
"""
FAKE = """
    time.sleep(1)
    rate = config.learning_rate
    return {"val_accuracy": rate, "best_epoch": 1, "epochs": 1, "seconds": 1}
"""


def start(tmp_path, body, *more, **environment):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(body=body.strip()))
    return subprocess.Popen(
        [sys.executable, program, *baseline_flags(tmp_path), *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **environment,
        },
    )


def pids(tmp_path):
    """Trial -> processes that ran it."""
    return {
        path.parent.name: path.read_text().split()
        for path in sorted((tmp_path / "atelier").glob("*/trial_*/pids"))
    }


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def alive(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_two_workers_share_the_trials_even_of_one_that_dies(tmp_path):
    body = """
    if folder.name == "trial_1" and len(open(folder / "pids").readlines()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return train(config, data, expert_path, folder)
"""
    process = start(tmp_path, body, "--trials", "3", "--workers", "2")
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "ended with status -9" in errors
    trials = result(the_search(tmp_path))
    assert [t["status"] for t in trials] == 3 * ["completed"]
    ran = pids(tmp_path)
    assert [len(processes) for processes in ran.values()] == [1, 2, 1]
    assert len({p for processes in ran.values() for p in processes}) == 2
    assert str(process.pid) not in ran["trial_0"] + ran["trial_1"]
    assert len([x for x in output.splitlines() if x.startswith("trial")]) == 3


@pytest.mark.slow
def test_killed_search_ends_its_workers_and_goes_on(
    tmp_path, training, monkeypatch
):
    process = start(tmp_path, FAKE, "--trials", "4", "--workers", "2")
    wait_until(lambda: "trial_2" in pids(tmp_path))
    process.kill()
    process.communicate()
    processes = {p for ran in pids(tmp_path).values() for p in ran}
    wait_until(lambda: not any(alive(p) for p in processes))
    before = pids(tmp_path)
    # One process goes on with what two began.
    monkeypatch.setattr(training, "accuracy_of", lambda settings: 0.5)
    assert search.main([*baseline_flags(tmp_path), "--trials", "4"]) == 0
    assert len(result(the_search(tmp_path))) == 4
    assert pids(tmp_path) == before
    assert 1 <= len(training.epochs) <= 3


@pytest.mark.slow
def test_workers_that_all_fail_are_one_error(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(search, "find_expert", lambda *_: "nobody.keras")
    arguments = flags(tmp_path, "--method", "kd", "--trials", "4")
    assert search.main([*arguments, "--workers", "2"]) == 2
    errors = capfd.readouterr().err
    assert re.search("error: In trial 0: .*nobody.keras", errors)
    assert "error: The workers ended after 0 of 4 trials." in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_chief_and_worker_of_several_machines(tmp_path):
    """Keras Tuner's own variables, as one would set them on each machine."""
    address = {
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": str(workers._free_port()),
    }
    processes = [
        start(
            tmp_path, FAKE, "--trials", "2", KERASTUNER_TUNER_ID=name, **address
        )
        for name in ("worker0", "chief")
    ]
    outputs = [p.communicate(timeout=120) for p in processes]
    assert [p.returncode for p in processes] == [0, 0], outputs
    assert "trial 0:" in outputs[0][0] and "Best:" not in outputs[0][0]
    assert "trial 0:" not in outputs[1][0] and "Best:" in outputs[1][0]
    assert len(result(the_search(tmp_path))) == 2
