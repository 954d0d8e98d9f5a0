"""Searches in several processes."""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
import types

import pytest
from keras_tuner.src.distribute import oracle_client

from keras_artkd.cli.search import main
from keras_artkd.search import workers
from keras_artkd.search.settings import Settings
from tests.search import canned
from tests.search.canned import processes_of, written

# What `keras_artkd.runs.processes` does, without TensorFlow. Its processes
# import it as their main module.
PROGRAM = """
import os, sys, time
from keras_artkd.runs import processes

processes.import_tensorflow = lambda: None
processes._visible_gpus = lambda: [None]

def work(folder):
    open(os.path.join(folder, str(os.getpid())), "w").close()
    time.sleep(600)

if __name__ == "__main__":
    with processes.running_workers(work, 2 * [(sys.argv[1],)]):
        time.sleep(600)
"""


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def worker_of_several(monkeypatch):
    """Makes this process a worker, which does not wait an hour for a chief."""
    values = ("worker0", "127.0.0.1", str(workers._free_port()))
    for name, value in zip(workers.VARIABLES, values, strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(oracle_client, "TIMEOUT", 120)


@pytest.mark.exhaustive
def test_two_workers_share_the_trials_even_of_one_that_dies(
    flags, search_folder, monkeypatch, capfd
):
    monkeypatch.setattr(workers, "_work", canned.mortal_worker)
    flags += ["--method", "baseline", "--epochs", "1"]
    assert main([*flags, "--trials", "3", "--workers", "2"]) == 0
    output = capfd.readouterr()
    assert "ended with status -9; its trial goes to another" in output.err
    folder = search_folder()
    assert [t["status"] for t in written(folder)] == 3 * ["completed"]
    ran = [processes_of(folder / f"trial_{number}") for number in range(3)]
    assert [len(pids) for pids in ran] == [1, 2, 1]
    pids = {pid for pids in ran for pid in pids}
    assert len(pids) == 2 and str(os.getpid()) not in pids
    assert len(re.findall("^trial .: ", output.out, re.MULTILINE)) == 3
    assert not any(map(alive, pids))


def test_workers_end_with_a_process_that_is_killed(tmp_path):
    program, folder = tmp_path / "program.py", tmp_path / "pids"
    program.write_text(PROGRAM)
    folder.mkdir()
    process = subprocess.Popen([sys.executable, program, folder])
    wait_until(lambda: len(os.listdir(folder)) == 2)
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(alive, os.listdir(folder))))


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (
            ValueError("`scenes` must be set."),
            2,
            "error: `scenes` must be set.\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_how_a_worker_ends(error, status, line, make_plan, monkeypatch, capsys):
    def load(plan):
        raise error

    monkeypatch.setattr(workers, "load_data", load)
    with pytest.raises(SystemExit) as ended:
        workers._work(Settings(), make_plan(), None, "worker0", 1)
    assert ended.value.code == status
    assert capsys.readouterr().err == line
    assert workers.role() is None


def test_workers_that_all_fail_are_one_error(flags, monkeypatch, capsys):
    ended = types.SimpleNamespace(exitcode=2, sentinel=None)
    over = threading.Event()
    monkeypatch.setattr(workers.Tuner, "search", lambda self: over.wait())
    monkeypatch.setattr(workers, "wait", lambda sentinels, timeout: None)
    monkeypatch.setattr(
        workers,
        "running_workers",
        lambda work, arguments: contextlib.nullcontext([ended, ended]),
    )
    flags += ["--method", "baseline", "--trials", "4", "--workers", "2"]
    assert main(flags) == 2
    over.set()
    assert capsys.readouterr().err.splitlines() == [
        "worker0 ended with status 2; its trial goes to another one.",
        "worker1 ended with status 2; its trial goes to another one.",
        "error: The workers ended after 0 of 4 trials. Fix: what they say "
        "above; then the same command resumes.",
    ]


@pytest.mark.exhaustive
def test_chief_and_worker_of_several_machines(
    flags, training, worker_of_several, search_folder, capsys
):
    """Keras Tuner's own variables, as one would set them on each machine."""
    flags += ["--method", "baseline", "--trials", "2"]
    training.accuracy_of = lambda plan: plan.first_rate
    chief = subprocess.Popen(
        [sys.executable, "-m", "keras_artkd.cli.main", "search", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERASTUNER_TUNER_ID": "chief"},
    )
    assert main(flags) == 0
    output, error = chief.communicate(timeout=120)
    assert chief.returncode == 0, error
    assert "Best: trial" in output and "trial 0:" not in output
    printed = capsys.readouterr().out
    assert "trial 0:" in printed and "Best:" not in printed
    assert len(training.trained) == len(written(search_folder())) == 2


def test_a_worker_without_a_chief(
    flags, worker_of_several, monkeypatch, capsys
):
    monkeypatch.setattr(oracle_client, "TIMEOUT", 0.1)
    assert main([*flags, "--method", "baseline"]) == 2
    error = capsys.readouterr().err
    assert "The chief must answer" in error and "DEADLINE_EXCEEDED" in error
