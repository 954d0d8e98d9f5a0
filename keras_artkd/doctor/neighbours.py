"""Search for codes that differ in few bits, without comparing every pair."""

import itertools
from collections.abc import Iterator

import numpy as np

from keras_artkd.types import Array

CODE_BITS = 48
_BAND_BITS = 16
_BANDS = CODE_BITS // _BAND_BITS
_FLIPS = 2
# At a larger distance every band could differ in more bits than are flipped.
MAX_DISTANCE = _BANDS * (_FLIPS + 1) - 1
# Pairs compared at a time: bounds the memory for any codes.
_CHUNK = 1 << 21


def close_pairs(queries: Array, codes: Array) -> Array:
    """Finds queries and codes that differ in at most `MAX_DISTANCE` bits.

    A code is three bands of 16 bits. If at most 8 bits differ in all, at most
    2 differ in one of the bands. Therefore each band is a table, looked up at
    the 137 values within two flips of the query's.

    Args:
        queries: uint64 `(m,)`, codes of 48 bits.
        codes: uint64 `(n,)`, codes of 48 bits.

    Returns:
        int64 `(k, 2)`: positions in `queries` and in `codes`, each pair once,
        sorted.
    """
    chunks: list[Array] = [np.empty(0, "int64")]
    for band in range(_BANDS):
        wanted, order, starts = _table(queries, codes, band)
        for flips in _flips():
            for i, places in _chunks(wanted ^ flips, starts):
                j = order[places]
                close = np.bitwise_count(queries[i] ^ codes[j]) <= MAX_DISTANCE
                chunks.append(i[close] * len(codes) + j[close])
    found = np.unique(np.concatenate(chunks))
    return np.stack(np.divmod(found, max(len(codes), 1)), axis=1)


def _flips() -> list[int]:
    """Every value of a band with at most two bits set."""
    return [
        sum(1 << bit for bit in bits)
        for number in range(_FLIPS + 1)
        for bits in itertools.combinations(range(_BAND_BITS), number)
    ]


def _table(
    queries: Array, codes: Array, band: int
) -> tuple[Array, Array, Array]:
    """Bands of the queries, order of the codes by band, start of each band."""
    shift, mask = np.uint64(band * _BAND_BITS), np.uint64(2**_BAND_BITS - 1)
    wanted, values = (
        ((c >> shift) & mask).astype("int64") for c in (queries, codes)
    )
    counts = np.bincount(values, minlength=2**_BAND_BITS)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return wanted, np.argsort(values, kind="stable"), starts


def _chunks(wanted: Array, starts: Array) -> Iterator[tuple[Array, Array]]:
    """Yields positions of queries, and of the table's rows of their bands."""
    first = starts[wanted]
    counts = starts[wanted + 1] - first
    ends = np.cumsum(counts)
    chunk = ends // _CHUNK
    bounds = np.flatnonzero(np.diff(chunk, prepend=-1, append=-1))
    for start, stop in itertools.pairwise(bounds):
        mine = slice(start, stop)
        within = np.arange(counts[mine].sum())
        begin = np.repeat(ends[mine] - counts[mine], counts[mine])
        offset = begin - (ends[start] - counts[start])
        rows = np.repeat(first[mine], counts[mine]) + within - offset
        yield np.repeat(np.arange(start, stop), counts[mine]), rows
