"""A run is one process's: a lock on a file, which a process's end lifts.

It is there to train, or to have its images labelled.
"""

import contextlib
import os
import pathlib
import socket
import time
from collections.abc import Iterator

import filelock

from keras_artkd.files import sweep, write_text
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs import hosts

_POLL_SECONDS = 2.0
# Of this process: an expert's run is part of its student's.
_held: set[pathlib.Path] = set()


@contextlib.contextmanager
def claim(folder: RunFolder, wait: bool = False) -> Iterator[bool]:
    """Yields whether a run is this process's.

    It is also where the process has claimed it before, and where it follows
    another that claims it (`keras_artkd.runs.hosts`).

    Args:
        folder: `RunFolder`, which need not exist.
        wait: whether to wait for another process that has it.
    """
    path = folder.path.resolve()
    if path in _held or not hosts.is_first():
        yield True
        return
    lock = filelock.FileLock(_lock_file(folder))
    try:
        _acquire(lock, folder, wait)
    except filelock.Timeout:
        yield False
        return
    _held.add(path)
    try:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        who = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
        write_text(_owner_file(folder), who)
        yield True
    finally:
        _held.discard(path)
        _owner_file(folder).unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def claimed(folder: RunFolder) -> Iterator[None]:
    """Claims a run, and sweeps what a killed process left in its folder.

    Raises:
        ValueError: if another process has it.
    """
    with claim(folder) as mine:
        if not mine:
            raise ValueError(
                f"A run is one command's. Received: {folder}, in use by "
                f"{_owner(folder)}. Fix: wait for it, or end it; --resume goes "
                "on with a training."
            )
        if hosts.is_first():
            sweep(folder.path)
        yield


def _owner(folder: RunFolder) -> str:
    try:
        return _owner_file(folder).read_text("utf-8")
    except OSError:
        return "another process"


def _acquire(lock: filelock.FileLock, folder: RunFolder, wait: bool) -> None:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if not wait:
            raise
        print(f"Waiting for {folder.name}: {_owner(folder)}", flush=True)
        lock.acquire(timeout=-1, poll_interval=_POLL_SECONDS)


def _lock_file(folder: RunFolder) -> pathlib.Path:
    locks = folder.path.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    return locks / f"{folder.name}.lock"


def _owner_file(folder: RunFolder) -> pathlib.Path:
    return folder.path.parent / ".locks" / f"{folder.name}.owner"
