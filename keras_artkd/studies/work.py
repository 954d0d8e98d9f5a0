"""The training of a study's runs, by one process or several."""

import contextlib
import gc
import pathlib
import sys
import time
from collections.abc import Callable, Iterable
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from typing import Any

import keras
import tensorflow as tf

from keras_artkd.datasets import Collection
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.claims import claim
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.processes import CONTEXT, running_workers
from keras_artkd.runs.provenance import check_same_data
from keras_artkd.runs.runner import load_data, run_or_read

Runs = dict[RunFolder, Plan]
Failed = dict[RunFolder, str]
_POLL_SECONDS = 2.0


def order_runs(plans: Iterable[Plan]) -> Runs:
    """The runs in the order to train them, each expert before its students."""
    runs: Runs = {}
    for plan in plans:
        if plan.expert:
            runs.setdefault(plan.expert.folder, plan.expert)
        runs.setdefault(plan.folder, plan)
    return runs


def train_all(
    plans: Iterable[Plan],
    failed: Failed,
    workers: int = 1,
    log_folder: pathlib.Path | None = None,
    after_each: Callable[[], object] = lambda: None,
) -> None:
    """Trains what is not finished yet.

    Several calls, in processes of this machine, divide the runs among them: a
    run is claimed by a lock that its process's end lifts. A run that fails is
    reported, and left to the next call.

    Args:
        plans: the runs, without their experts.
        failed: dict, gets run folder -> why it failed.
        workers: int, processes to start; 1 trains in this one.
        log_folder: path, where workers write what they print.
        after_each: called without arguments when a run has ended.

    Raises:
        ValueError: if the first run's data cannot be used, or are not those
            of the runs that ended.
    """
    runs = order_runs(plans)
    missing = [plan for folder, plan in runs.items() if not folder.is_finished]
    if not missing:
        return
    # If no run could begin, no folder should be left.
    loaded: dict[str, Any] = {}
    data = _data(missing[0], loaded)
    for folder, plan in runs.items():
        if folder.is_finished and plan.load_arguments == loaded["arguments"]:
            check_same_data(folder, data)
    if workers == 1:
        _train_here(runs, failed, after_each, loaded)
    else:
        del data
        loaded.clear()
        assert log_folder is not None
        _train_in_workers(runs, failed, workers, log_folder, after_each)
    for folder in [folder for folder in failed if folder.is_finished]:
        # Another process had more luck.
        del failed[folder]


def _train_here(
    runs: Runs,
    failed: Failed,
    after_each: Callable[[], object],
    loaded: dict[str, Any],
) -> None:
    while True:
        open_runs = [
            plan
            for folder, plan in runs.items()
            if folder not in failed and not folder.is_finished
        ]
        if not open_runs:
            return
        changed = any(
            _try(plan, loaded, failed, after_each) for plan in open_runs
        )
        if not changed:
            time.sleep(_POLL_SECONDS)


def _try(
    plan: Plan,
    loaded: dict[str, Any],
    failed: Failed,
    after_each: Callable[[], object],
) -> bool:
    """Trains a run if it can begin now; returns whether anything changed."""
    folder = plan.folder
    if plan.expert:
        if plan.expert.folder in failed:
            failed[folder] = f"its expert: {failed[plan.expert.folder]}"
            return True
        if not plan.expert.folder.is_finished:
            return False
    with claim(folder) as claimed:
        if not claimed:
            return False
        # Another process may have ended it since.
        if not folder.is_finished:
            print(f"\n{folder.name}")
            try:
                run_or_read(plan, _data(plan, loaded))
            except (ValueError, OSError, tf.errors.OpError) as error:
                failed[folder] = " ".join(str(error).split())
                print(f"error: {failed[folder]}", file=sys.stderr)
            finally:
                # Networks of runs before would fill the memory.
                keras.utils.clear_session(free_memory=False)
                gc.collect()
            after_each()
    return True


def _data(plan: Plan, loaded: dict[str, Any]) -> Collection:
    """The run's data; that of the run before, if it is the same."""
    arguments = plan.load_arguments
    if loaded.get("arguments") != arguments:
        loaded.clear()
        loaded.update(data=load_data(plan), arguments=arguments)
    data: Collection = loaded["data"]
    return data


def _train_in_workers(
    runs: Runs,
    failed: Failed,
    workers: int,
    log_folder: pathlib.Path,
    after_each: Callable[[], object],
) -> None:
    failures: Queue[Failed] = CONTEXT.Queue()
    log_folder.mkdir(parents=True, exist_ok=True)
    print(f"{workers} workers; what they print is in {log_folder}")
    arguments = [
        (runs, log_folder / f"worker{number}.log", failures)
        for number in range(workers)
    ]
    with running_workers(_work, arguments) as processes:
        _watch(runs, failed, processes, failures, after_each)
    for folder in runs:
        if not folder.is_finished:
            failed.setdefault(folder, "its worker ended")


def _watch(
    runs: Runs,
    failed: Failed,
    processes: list[SpawnProcess],
    failures: "Queue[Failed]",
    after_each: Callable[[], object],
) -> None:
    """Reports each run that ends, until no worker is left."""
    told = {folder for folder in runs if folder.is_finished}
    while True:
        alive = any(process.is_alive() for process in processes)
        # A worker does not end before what it says is read.
        while not failures.empty():
            failed |= failures.get()
        ended = {folder for folder in runs if folder.is_finished} - told
        for folder in sorted(ended, key=str):
            told.add(folder)
            print(f"{len(told)} of {len(runs)} runs: {folder.name}")
        if ended:
            after_each()
        if not alive:
            return
        time.sleep(_POLL_SECONDS)


def _work(runs: Runs, log: pathlib.Path, failures: "Queue[Failed]") -> None:
    """The process of one worker."""
    failed: Failed = {}
    with (
        open(log, "a", encoding="utf-8", buffering=1) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        _train_here(runs, failed, lambda: None, {})
    failures.put(failed)
