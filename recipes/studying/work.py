"""The runs of a study: trained in order, by one process or several."""

import contextlib
import gc
import multiprocessing
import sys
import threading
import time

import filelock
import keras
import tensorflow as tf

from recipes.common import is_finished, load_data, run_or_read
from recipes.processes import end_with_parent, use_gpu, visible_gpus
from recipes.provenance import check_same_data

_POLL_SECONDS = 2.0


def order_runs(configs):
    """The runs in the order to train them, each expert before who needs it.

    Returns:
        dict of run folder -> `Config`.
    """
    runs = {}
    for config in configs:
        if config.trains_expert:
            expert = config.expert_config()
            runs.setdefault(expert.run_dir, expert)
        runs.setdefault(config.run_dir, config)
    return runs


def train_all(
    configs, failed, workers=1, log_folder=None, after_each=lambda: None
):
    """Trains what is not finished yet.

    Several calls, in processes of this machine, divide the runs among them: a
    run is claimed by a lock that its process's end lifts. One that fails is
    said, and left to the next call.

    Args:
        configs: list of `Config`, the runs, without their experts.
        failed: dict, gets run folder -> why it failed.
        workers: int, processes to start; 1 trains in this one.
        log_folder: path, where workers write what they print.
        after_each: called without arguments when a run has ended.

    Raises:
        ValueError: if the first run's data cannot be used, or are not those
            of the runs that ended.
    """
    runs = order_runs(configs)
    missing = [c for folder, c in runs.items() if not is_finished(folder)]
    if not missing:
        return
    # No run could begin, and no folder should be left.
    loaded = {}
    data = _data(missing[0], loaded)
    for folder, config in runs.items():
        if is_finished(folder) and (
            config.load_arguments() == loaded["arguments"]
        ):
            check_same_data(folder, data)
    if workers == 1:
        _train_here(runs, failed, after_each, loaded)
    else:
        del data
        loaded.clear()
        _train_in_workers(runs, failed, workers, log_folder, after_each)
    for folder in [folder for folder in failed if is_finished(folder)]:
        # Another process had more luck.
        del failed[folder]


def _train_here(runs, failed, after_each, loaded):
    while True:
        open_runs = {
            folder: config
            for folder, config in runs.items()
            if folder not in failed and not is_finished(folder)
        }
        if not open_runs:
            return
        busy = not any(
            _try(config, loaded, failed, after_each)
            for config in open_runs.values()
        )
        if busy:
            time.sleep(_POLL_SECONDS)


def _try(config, loaded, failed, after_each):
    """Trains a run if it can be begun now; returns whether anything changed."""
    folder = config.run_dir
    if config.trains_expert:
        expert = config.expert_config()
        if expert.run_dir in failed:
            failed[folder] = f"its expert: {failed[expert.run_dir]}"
            return True
        if not is_finished(expert.run_dir):
            return False
    with _claim(folder) as claimed:
        if not claimed:
            return False
        # Another process may have ended it since.
        if not is_finished(folder):
            print(f"\n{folder.name}")
            try:
                run_or_read(config, _data(config, loaded))
            except (ValueError, OSError, tf.errors.OpError) as error:
                failed[folder] = " ".join(str(error).split())
                print(f"error: {failed[folder]}", file=sys.stderr)
            finally:
                # Networks of runs before would fill the memory.
                keras.utils.clear_session(free_memory=False)
                gc.collect()
            after_each()
    return True


@contextlib.contextmanager
def _claim(folder):
    """Gives whether the run is this process's; others leave it alone."""
    locks = folder.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(locks / f"{folder.name}.lock", blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _data(config, loaded):
    """The run's data; that of the run before, if it is the same."""
    arguments = config.load_arguments()
    if loaded.get("arguments") != arguments:
        loaded.clear()
        loaded.update(data=load_data(config), arguments=arguments)
    return loaded["data"]


def _train_in_workers(runs, failed, workers, log_folder, after_each):
    context = multiprocessing.get_context("spawn")
    gpus = visible_gpus()
    failures = context.Queue()
    log_folder.mkdir(parents=True, exist_ok=True)
    processes = [
        context.Process(
            target=_work,
            args=(
                runs,
                gpus[number % len(gpus)],
                log_folder / f"worker{number}.log",
                failures,
            ),
            daemon=True,
        )
        for number in range(workers)
    ]
    print(f"{workers} workers; what they print is in {log_folder}")
    for process in processes:
        process.start()
    try:
        _watch(runs, failed, processes, failures, after_each)
    finally:
        for process in processes:
            process.terminate()
            process.join()
    for folder in runs:
        if not is_finished(folder):
            failed.setdefault(folder, "its worker ended")


def _watch(runs, failed, processes, failures, after_each):
    """Tells of each run that ends, until no worker is left."""
    told = {folder for folder in runs if is_finished(folder)}
    while True:
        alive = any(process.is_alive() for process in processes)
        # A worker does not end before what it says is read.
        while not failures.empty():
            failed |= failures.get()
        ended = {folder for folder in runs if is_finished(folder)} - told
        for folder in sorted(ended):
            told.add(folder)
            print(f"{len(told)} of {len(runs)} runs: {folder.name}")
        if ended:
            after_each()
        if not alive:
            return
        time.sleep(_POLL_SECONDS)


def _work(runs, gpu, log, failures):
    """The process of one worker."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    use_gpu(gpu)
    failed = {}
    with (
        open(log, "a", encoding="utf-8", buffering=1) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        _train_here(runs, failed, lambda: None, {})
    failures.put(failed)
