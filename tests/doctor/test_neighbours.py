import numpy as np
import pytest

from keras_artkd.doctor import neighbours
from keras_artkd.doctor.neighbours import (
    CODE_BITS,
    MAX_DISTANCE,
    close_pairs,
)


def random_codes(rng, number):
    return rng.integers(0, 2**CODE_BITS, number, dtype="uint64")


def flipped(rng, codes, number):
    """The codes with exactly `number` bits of each flipped."""
    bits = np.argsort(rng.random((len(codes), CODE_BITS)), axis=1)[:, :number]
    flips = (np.uint64(1) << bits.astype("uint64")).sum(1, dtype="uint64")
    return codes ^ flips


def all_pairs(queries, codes):
    distances = np.bitwise_count(queries[:, None] ^ codes)
    return np.argwhere(distances <= MAX_DISTANCE)


@pytest.mark.parametrize("chunk", [None, 7])
def test_exactly_the_pairs_that_comparing_all_finds(monkeypatch, chunk):
    if chunk:
        monkeypatch.setattr(neighbours, "_CHUNK", chunk)
    rng = np.random.default_rng(0)
    base = random_codes(rng, 30)
    near = [flipped(rng, base, n) for n in (0, 1, 5, 8, 9, 12)]
    codes = np.concatenate([base, base[:5], *near])
    pairs = close_pairs(base, codes)
    np.testing.assert_array_equal(pairs, all_pairs(base, codes))
    assert len(pairs) >= 5 * 30 + 5


def test_every_way_of_spreading_the_most_bits_over_the_bands():
    """No pair at the limit is lost: 8 of 48 bits, a thousand times."""
    rng = np.random.default_rng(1)
    codes = random_codes(rng, 1000)
    pairs = close_pairs(flipped(rng, codes, MAX_DISTANCE), codes)
    found = set(map(tuple, pairs.tolist()))
    assert {(i, i) for i in range(1000)} <= found
    pairs = close_pairs(flipped(rng, codes, MAX_DISTANCE + 1), codes)
    assert (pairs[:, 0] != pairs[:, 1]).all()


def test_nothing_and_all_alike():
    none = np.empty(0, "uint64")
    some = np.full(40, 5, "uint64")
    assert close_pairs(none, none).shape == (0, 2)
    assert close_pairs(some, none).shape == (0, 2)
    assert close_pairs(none, some).shape == (0, 2)
    assert len(close_pairs(some, some)) == 1600
