"""Trials in several processes, through Keras Tuner's chief and workers."""

import contextlib
import io
import os
import pathlib
import socket
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

import keras_tuner

from keras_artkd.output import escaped
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.processes import running_workers
from keras_artkd.runs.runner import load_data
from keras_artkd.search.settings import Settings
from keras_artkd.search.tuner import Tuner

CHIEF = "chief"
VARIABLES = (
    "KERASTUNER_TUNER_ID",
    "KERASTUNER_ORACLE_IP",
    "KERASTUNER_ORACLE_PORT",
)


def role() -> str | None:
    """The role that the environment gives this process.

    Returns:
        None where Keras Tuner's variables are not set, otherwise `"chief"` or
        `"worker"`.

    Raises:
        ValueError: if only some of them are set.
    """
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if len(missing) == len(VARIABLES):
        return None
    if missing:
        raise ValueError(
            f"A search on several machines needs {', '.join(VARIABLES)}. "
            f"Received: no {' and no '.join(missing)}. Fix: set all of them, "
            "or none."
        )
    # As Keras Tuner tells them apart.
    return CHIEF if CHIEF in os.environ[VARIABLES[0]] else "worker"


def run_parallel(
    settings: Settings, plan: Plan, expert_path: pathlib.Path | None
) -> keras_tuner.Oracle:
    """Runs a search's trials in processes of this machine.

    This process is the chief: it chooses what is tried. A worker that dies
    leaves its trial to the others.

    Args:
        settings: `Settings`.
        plan: `Plan`.
        expert_path: path of the trained expert, or None.

    Returns:
        `keras_tuner.Oracle` with the trials.
    """
    port = _free_port()
    names = [f"worker{number}" for number in range(settings.workers)]
    with _environment(CHIEF, port):
        tuner = Tuner(settings, plan)
        # The server of Keras Tuner's chief looks up every 20 seconds whether
        # all is done; this process knows when its workers have ended.
        chief = threading.Thread(target=tuner.search, daemon=True)
        chief.start()
        arguments = [
            (settings, plan, expert_path, name, port) for name in names
        ]
        with running_workers(_work, arguments) as workers:
            alive = dict(zip(names, workers, strict=True))
            _wait_for(alive, chief, tuner.oracle)
    return tuner.oracle


def _wait_for(
    alive: dict[str, SpawnProcess],
    chief: threading.Thread,
    oracle: keras_tuner.Oracle,
) -> None:
    """Returns when all workers have ended, or nothing is left to do."""
    while alive and chief.is_alive():
        wait([worker.sentinel for worker in alive.values()], timeout=1)
        for name, worker in list(alive.items()):
            if worker.exitcode is not None:
                del alive[name]
                if worker.exitcode:
                    print(
                        f"{name} ended with status {worker.exitcode}; its "
                        "trial goes to another one.",
                        file=sys.stderr,
                    )
                    oracle.release(name)


def _work(
    settings: Settings,
    plan: Plan,
    expert_path: pathlib.Path | None,
    name: str,
    port: int,
) -> None:
    """The process of one worker."""
    try:
        with _environment(name, port):
            with contextlib.redirect_stdout(io.StringIO()):
                data = load_data(plan)
            Tuner(settings, plan, data, expert_path).search()
    except (ValueError, OSError) as error:
        print(f"error: {escaped(str(error))}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt as error:
        raise SystemExit(130) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _environment(tuner_id: str, port: int) -> Iterator[None]:
    """Keras Tuner's variables, for a while."""
    values = (tuner_id, "127.0.0.1", str(port))
    os.environ.update(zip(VARIABLES, values, strict=True))
    try:
        yield
    finally:
        for name in VARIABLES:
            del os.environ[name]
