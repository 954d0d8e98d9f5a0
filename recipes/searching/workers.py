"""Trials in several processes, through Keras Tuner's chief and workers."""

import contextlib
import io
import multiprocessing
import os
import socket
import sys
import threading
from multiprocessing.connection import wait

from recipes.common import load_data
from recipes.processes import end_with_parent, use_gpu, visible_gpus
from recipes.searching.tuner import Tuner

CHIEF = "chief"
VARIABLES = (
    "KERASTUNER_TUNER_ID",
    "KERASTUNER_ORACLE_IP",
    "KERASTUNER_ORACLE_PORT",
)


def role():
    """What the environment makes of this process.

    Returns:
        None where Keras Tuner's variables are not set, else `"chief"` or
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


def run_parallel(settings, config, expert_path):
    """Runs a search's trials in processes of this machine.

    This process is the chief: it chooses what is tried. A worker that dies
    leaves its trial to the others.

    Args:
        settings: `Settings`.
        config: `Config`.
        expert_path: path of the trained expert, or None.

    Returns:
        `keras_tuner.Oracle` with the trials.
    """
    port = _free_port()
    with _environment(CHIEF, port):
        tuner = Tuner(settings, config)
        # The server of Keras Tuner's chief looks up every 20 seconds whether
        # all is done; this process knows when its workers have ended.
        chief = threading.Thread(target=tuner.search, daemon=True)
        chief.start()
        workers = _start_workers(settings, config, expert_path, port)
        try:
            _wait_for(workers, chief, tuner.oracle)
        finally:
            for worker in workers.values():
                worker.terminate()
                worker.join()
    return tuner.oracle


def _start_workers(settings, config, expert_path, port):
    """Starts them; returns dict tuner id -> process."""
    context = multiprocessing.get_context("spawn")
    gpus = visible_gpus()
    workers = {
        f"worker{number}": context.Process(
            target=_work,
            args=(
                settings,
                config,
                expert_path,
                f"worker{number}",
                port,
                gpus[number % len(gpus)],
            ),
            daemon=True,
        )
        for number in range(settings.workers)
    }
    for worker in workers.values():
        worker.start()
    return workers


def _wait_for(workers, chief, oracle):
    """Returns when all workers have ended, or nothing is left to do."""
    alive = dict(workers)
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


def _work(settings, config, expert_path, name, port, gpu):
    """The process of one worker."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    use_gpu(gpu)
    try:
        with _environment(name, port):
            with contextlib.redirect_stdout(io.StringIO()):
                data = load_data(config)
            Tuner(settings, config, data, expert_path).search()
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt as error:
        raise SystemExit(130) from error


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def _environment(tuner_id, port):
    """Keras Tuner's variables, for a while."""
    values = (tuner_id, "127.0.0.1", str(port))
    os.environ.update(zip(VARIABLES, values, strict=True))
    try:
        yield
    finally:
        for name in VARIABLES:
            del os.environ[name]
