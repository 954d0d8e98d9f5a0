"""Worker processes on this machine, each with a GPU of its own."""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

from keras_artkd.output import import_tensorflow

CONTEXT = multiprocessing.get_context("spawn")


@contextlib.contextmanager
def running_workers(
    target: Callable[..., None], arguments: Sequence[tuple[Any, ...]]
) -> Iterator[list[SpawnProcess]]:
    """Starts a worker for each tuple of arguments, and ends them all.

    A worker has one of the GPUs, in turns, and ends with this process.

    Args:
        target: function that a process imports, called with the arguments.
        arguments: one tuple for each worker.
    """
    gpus = _visible_gpus()
    workers = [
        CONTEXT.Process(
            target=_work,
            args=(gpus[number % len(gpus)], target, *each),
            daemon=True,
        )
        for number, each in enumerate(arguments)
    ]
    for worker in workers:
        worker.start()
    try:
        yield workers
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _work(
    gpu: str | None, target: Callable[..., None], *arguments: Any
) -> None:
    """The process of one worker."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    import_tensorflow()
    target(*arguments)


def _visible_gpus() -> Sequence[str | None]:
    """What CUDA calls the GPUs of this process, `[None]` without any."""
    import tensorflow as tf

    count = len(tf.config.list_physical_devices("GPU"))
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = named.split(",")[:count] if named else [*map(str, range(count))]
    return gpus or [None]


def _end_with_parent() -> None:
    """Waits for the end of the parent process, and ends this one with it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    # It may be killed, which runs no clean-up there.
    wait([parent.sentinel])
    os._exit(1)
