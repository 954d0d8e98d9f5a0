"""Several processes that train one run: flags, equality, a kill, `--resume`."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_artkd.cli.train import main
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs import hosts
from keras_artkd.runs.hosts import Hosts, from_slurm

ROOT = pathlib.Path(__file__).parents[2]
# A training alone.
TRAINS = """
import os, sys

from keras_artkd.output import import_tensorflow

os.environ["KERAS_BACKEND"] = "jax"
import_tensorflow()
from keras_artkd.runs.hosts import Hosts, joined
from keras_artkd.runs.runner import load_data
from keras_artkd.runs.training import train, train_together
from tests.runs.settings import small_plan

arrays, workdir, port, process = sys.argv[1:]
# Four devices do not divide its batches.
plan = small_plan(
    "npz", data_dir=arrays, workdir=workdir, method="baseline", batch_size=22,
    epochs=2, learning_rate=0.05, backend="jax")
arguments = plan, load_data(plan), None, plan.folder
if process == "alone":
    train(*arguments)
else:
    with joined(Hosts(f"127.0.0.1:{port}", 2, int(process))):
        train_together(*arguments)
"""
# A whole run, and what ends a process where it is told to.
RUNS = """
import os, signal, sys

from keras_artkd.cli.main import main
from keras_artkd.output import import_tensorflow

os.environ["KERAS_BACKEND"] = "jax"
import_tensorflow()
from keras_artkd.runs import runner, testing
from keras_artkd.runs.checkpoint import Checkpoint

runner.write_report = lambda run_dir: None
testing.milliseconds_per_image = lambda runtime, images: 1.0
killed, *words = sys.argv[1:]
on_epoch_end = Checkpoint.on_epoch_end


def and_die(self, epoch, logs=None):
    on_epoch_end(self, epoch, logs)
    if epoch + 1 == int(killed):
        os.kill(os.getpid(), signal.SIGKILL)


if killed != "0":
    Checkpoint.on_epoch_end = and_die
sys.exit(main(["train", *words]))
"""
SETTINGS = (
    *("--student", "wrn_10_1", "--image-size", "16"),
    *("--batch-size", "22", "--learning-rate", "0.05", "--ema-momentum", "0.5"),
    *("--expert-network", "wrn_10_1", "--no-exports", "--backend", "jax"),
)


def start(program, devices, *words):
    """A process of a run, with so many devices."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
            # Compiles in a third of the time.
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
    )


def start_two(*words, killed=0):
    """Two processes of a run, of which one dies after so many epochs."""
    words = [*words, "--coordinator", f"127.0.0.1:{free_port()}"]
    words += ["--processes", 2, "--process"]
    return [start(RUNS, 2, k, *words, i) for i, k in enumerate((0, killed))]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def ended(process):
    """Its status and what it said."""
    out, error = process.communicate(timeout=300)
    return process.returncode, out, error


def only_run(workdir, method):
    (path,) = workdir.glob(f"*/{method}-*")
    return RunFolder(path)


def assert_same_training(one, other):
    """The same weights and logs, but for rounding."""
    first, second = np.load(one.checkpoint), np.load(other.checkpoint)
    assert {*first} == {*second}
    for name in {*first} - {"meta"}:
        np.testing.assert_allclose(
            second[name], first[name], rtol=2e-3, atol=2e-4, err_msg=name
        )
    meta = [json.loads(str(state["meta"])) for state in (first, second)]
    assert [*meta[0]["history"]] == [*meta[1]["history"]]
    for name, values in meta[0]["history"].items():
        np.testing.assert_allclose(
            meta[1]["history"][name], values, rtol=2e-3, err_msg=name
        )


def test_two_processes_train_as_one_does(arrays, tmp_path):
    port, folders = free_port(), [tmp_path / "one", tmp_path / "two"]
    processes = [
        start(TRAINS, 1, arrays, folders[0], port, "alone"),
        start(TRAINS, 2, arrays, folders[1], port, 0),
        start(TRAINS, 2, arrays, folders[1], port, 1),
    ]
    said = [ended(process) for process in processes]
    assert [status for status, _, _ in said] == [0, 0, 0], said
    assert_same_training(*(only_run(folder, "baseline") for folder in folders))


@pytest.mark.exhaustive
def test_a_kill_and_another_number_of_processes(arrays, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    words = [arrays, *SETTINGS, "--method", "baseline", "--epochs", 3]
    words += ["--expert-epochs", 3, "--workdir"]
    assert ended(start(RUNS, 1, 0, *words, one))[0] == 0
    first, second = start_two(*words, two, killed=2)
    assert ended(second)[0] == -signal.SIGKILL
    killed = time.monotonic()
    status, _, error = ended(first)
    assert time.monotonic() - killed < 60
    assert (status, error.count("\n")) == (1, 1), error
    assert error.startswith("error: Process 1 of 2 has ended, and this one")
    run = only_run(two, "baseline")
    assert run.checkpoint.exists() and not run.is_finished
    status, out, error = ended(start(RUNS, 1, 0, *words, two, "--resume"))
    assert status == 0, error
    assert "Resuming after epoch " in out
    assert_same_training(only_run(one, "baseline"), run)
    assert run.is_finished


@pytest.mark.exhaustive
def test_a_first_process_that_is_killed_ends_the_other(arrays, tmp_path):
    words = [arrays, *SETTINGS, "--method", "baseline", "--epochs", 3]
    words += ["--expert-epochs", 3, "--workdir", tmp_path]
    second, first = reversed(start_two(*words))
    for line in first.stdout:
        if "epoch" in line:
            break
    first.kill()
    status, _, error = ended(second)
    assert (status, error.count("\n")) == (1, 1), error
    assert " of 2 has ended, and this one cannot go on" in error


@pytest.mark.exhaustive
def test_together_to_the_end(arrays, tmp_path):
    """Expert and student, mixed images, an average, files of process 0."""
    one, two = tmp_path / "one", tmp_path / "two"
    words = [arrays, *SETTINGS, "--epochs", 2, "--expert-epochs", 1]
    words += ["--method", "kd", "--augment", "mixup", "cutout", "--workdir"]
    said = [ended(process) for process in start_two(*words, two)]
    assert [status for status, _, _ in said] == [0, 0], said
    assert "test accuracy" in said[0][1]
    assert said[1][1].count("\n") == 1 and not said[1][2], said[1]
    assert ended(start(RUNS, 1, 0, *words, one))[0] == 0
    for method in ("baseline", "kd"):
        alone, together = only_run(one, method), only_run(two, method)
        assert_same_training(alone, together)
        # Of the other process there is nothing.
        assert {path.name for path in alone.path.iterdir()} == {
            path.name for path in together.path.iterdir()
        }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"processes": 2}, "need --coordinator HOST:PORT"),
        ({"coordinator": "slurm", "processes": 2}, "slurm alone"),
        (
            {"coordinator": "here", "processes": 2, "process": 0},
            "must be HOST:PORT",
        ),
        (
            {"coordinator": "a:1", "processes": 2, "process": 2},
            "from 0 to one less",
        ),
    ],
)
def test_flags_that_do_not_fit(given, message):
    with pytest.raises(ValueError, match=message):
        Hosts(**given)


SEVERAL = ["--coordinator", "a:1", "--processes", "2", "--process", "1"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--epochs", "1"], "Several processes train by JAX"),
        (["--backend", "jax"], "no --epochs"),
        (["--backend", "jax", "--epochs", "1", "--rounds", "2"], "--rounds"),
    ],
)
def test_what_several_do_not_do(tmp_path, flags, message, capsys):
    assert main([str(tmp_path), *SEVERAL, *flags]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("node001", "node001"),
        ("node001,node007", "node001"),
        ("node[001-004,007],other", "node001"),
        ("gpu-a,node[1-2]", "gpu-a"),
        ("node[12]", "node12"),
    ],
)
def test_processes_of_slurm(nodes, first):
    variables = {
        "SLURM_STEP_NODELIST": nodes,
        "SLURM_NTASKS": "4",
        "SLURM_PROCID": "3",
        "SLURM_JOB_ID": "4097",
    }
    assert from_slurm(variables) == Hosts(f"{first}:61441", 4, 3)
    step = variables | {"SLURM_STEP_ID": "2"}
    assert from_slurm(step).coordinator == f"{first}:{61441 + 2 * 257}"
    ranges = variables | {"SLURM_STEP_NODELIST": "rack[1-2]n[3-4]"}
    with pytest.raises(ValueError, match="must be a name.*HOST:PORT"):
        from_slurm(ranges)
    del variables["SLURM_PROCID"]
    with pytest.raises(ValueError, match="no SLURM_PROCID. Fix: srun"):
        from_slurm(variables)


def test_one_process_is_the_first_and_waits_for_nobody():
    assert hosts.is_first() and hosts.told("question", 5) == 5
    with hosts.joined(Hosts()), hosts.first_goes_first("files"):
        hosts.all_are_here("anywhere")
    assert hosts.count_devices() == 0  # By TensorFlow.
