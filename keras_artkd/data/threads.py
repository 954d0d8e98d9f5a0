"""A thread pool for decoding: Pillow releases the interpreter lock."""

import concurrent.futures
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Decoded together: keeps every thread busy, and a generator of encoded images
# is never in memory as a whole.
_CHUNK = 1024


def count_threads() -> int:
    """Returns the default number of threads, one per usable core."""
    if hasattr(os, "sched_getaffinity"):  # Respects containers and taskset.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_threads(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    threads: int | None = None,
) -> Iterator[_Result]:
    """Yields `function(item)` in order, computed by a thread pool."""
    iterator = iter(items)
    threads = threads or count_threads()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        while chunk := list(itertools.islice(iterator, _CHUNK)):
            yield from pool.map(function, chunk)
