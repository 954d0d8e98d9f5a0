import time

import numpy as np
import pytest

from keras_artkd.datasets.splits import (
    SPLITS,
    join_groups,
    stratified_limit,
    stratified_split,
)

FRACTIONS = np.array([0.7, 0.15, 0.15])


def check_partition(splits, n):
    assert tuple(splits) == SPLITS
    for indices in splits.values():
        assert (np.diff(indices) > 0).all()
    np.testing.assert_array_equal(
        np.sort(np.concatenate(list(splits.values()))), np.arange(n)
    )


@pytest.mark.parametrize("seed", range(8))
def test_every_class_has_its_share(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 90, rng.integers(2, 30))
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    splits = stratified_split(labels, seed=seed)
    check_partition(splits, len(labels))
    for label, size in enumerate(sizes):
        counts = np.array([(labels[splits[s]] == label).sum() for s in SPLITS])
        if size >= 3:
            assert (counts >= 1).all(), (size, counts)
        if size != 3:  # Three, one in each, are 1.1 away from 2.1.
            assert (np.abs(counts - size * FRACTIONS) <= 1 + 1e-9).all()
    total = np.array([len(splits[s]) for s in SPLITS])
    # Rounding must not always favour the same split.
    assert np.abs(total - len(labels) * FRACTIONS).max() <= 0.5 * len(sizes)


@pytest.mark.parametrize("size", range(1, 41))
def test_a_single_class_of_every_size(size):
    counts = [len(s) for s in stratified_split(np.zeros(size)).values()]
    assert sum(counts) == size
    assert counts[0] == max(counts)
    if size >= 3:
        assert min(counts) >= 1


def test_rounding_favours_no_split():
    """Each class of 10 leaves one example over for validation or test."""
    splits = stratified_split(np.repeat(np.arange(100), 10))
    assert [len(s) for s in splits.values()] == [700, 150, 150]


def test_seed_decides():
    labels = np.arange(300) % 5
    first = stratified_split(labels, seed=1)
    again = stratified_split(labels, seed=1)
    other = stratified_split(labels, seed=2)
    for name in SPLITS:
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


@pytest.mark.parametrize("seed", range(8))
def test_groups_never_straddle_and_shares_stay_near(seed):
    rng = np.random.default_rng(seed)
    n = 2000
    # A few large artists and many small ones, each mostly of one style.
    groups = np.minimum(rng.geometric(0.02, n), 300)
    labels = (groups + (rng.random(n) < 0.1)) % 7
    splits = stratified_split(labels, groups, seed=seed)
    check_partition(splits, n)
    members = [set(groups[splits[s]]) for s in SPLITS]
    assert not members[0] & members[1]
    assert not members[0] & members[2]
    assert not members[1] & members[2]
    for label in range(7):
        shares = [
            (labels[splits[s]] == label).sum() / (labels == label).sum()
            for s in SPLITS
        ]
        assert np.abs(shares - FRACTIONS).max() < 0.04, shares


def test_rare_classes_reach_every_split_where_groups_allow():
    """Four artists of 40, 3, 2 and 1; without a reserve 40 of 46 is train."""
    labels = np.array([0] * 46 + [1] * 200)
    groups = [0] * 40 + [1] * 3 + [2] * 2 + [3] + list(range(4, 204))
    splits = stratified_split(labels, groups)
    for name in SPLITS:
        assert (labels[splits[name]] == 0).any()
    assert {0, 1, 2, 3, 39} <= set(splits["train"].tolist())


def test_one_group_goes_to_train_whole():
    splits = stratified_split([0, 1, 0, 1], groups=["a"] * 4)
    assert [len(s) for s in splits.values()] == [4, 0, 0]


def test_a_share_of_zero_leaves_a_split_empty():
    for groups in (None, np.arange(50) // 3):
        splits = stratified_split(
            np.arange(50) % 4, groups, fractions=(0.85, 0.15, 0)
        )
        check_partition(splits, 50)
        assert len(splits["test"]) == 0
        assert 5 <= len(splits["validation"]) <= 10


def test_string_labels_and_groups():
    splits = stratified_split(list("aabbaabbaabb"), list("111222333444"))
    check_partition(splits, 12)


def test_groups_are_joined_through_each_other():
    artists = ["a", "b", "c", "a", "d", "e"]
    digests = [1, 2, 2, 3, 3, 4]
    joined = join_groups(artists, digests)
    # a joins 0 and 3; digest 3 joins 3 and 4; digest 2 joins 1 and 2.
    assert joined.tolist() == [0, 1, 1, 0, 0, 5]


def test_joining_matches_a_plain_search():
    rng = np.random.default_rng(0)
    keys = [rng.integers(0, 60, 80) for _ in range(3)]
    joined = join_groups(*keys)
    linked = np.any([k[:, None] == k[None] for k in keys], axis=0)
    reach = linked
    for _ in range(7):  # 2**7 steps: all there are.
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    np.testing.assert_array_equal(reach, joined[:, None] == joined[None])


def test_fifty_thousand_examples_take_seconds():
    """Not minutes, as where the time grows with the square."""
    count = 50_000
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 125, count)
    groups = join_groups(rng.integers(0, 1500, count), rng.permutation(count))
    start = time.process_time()
    stratified_split(labels, groups)
    check_partition(stratified_split(labels), count)
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    "options, match",
    [
        ({"labels": []}, "labels"),
        ({"labels": [[1, 2]]}, "labels"),
        ({"labels": [1, 2], "groups": [1]}, "groups"),
        ({"labels": [1, 2], "fractions": (0.5, 0.5)}, "fractions"),
        ({"labels": [1, 2], "fractions": (0.5, 0.6, -0.1)}, "fractions"),
        ({"labels": [1, 2], "fractions": (0.5, 0.5, 0.5)}, "fractions"),
    ],
)
def test_clear_errors(options, match):
    with pytest.raises(ValueError, match=match):
        stratified_split(**options)


def test_join_groups_wants_equal_lengths():
    with pytest.raises(ValueError, match="length"):
        join_groups([1, 2], [1])


@pytest.mark.parametrize("limit", [9, 10, 37, 100, 499])
def test_limit_keeps_shares(limit):
    rng = np.random.default_rng(limit)
    sizes = np.array([200, 100, 80, 60, 40, 10, 5, 4, 1])
    labels = rng.permutation(np.repeat(np.arange(9), sizes))
    chosen = stratified_limit(labels, limit)
    assert len(chosen) == limit == len(set(chosen.tolist()))
    counts = np.bincount(labels[chosen], minlength=9)
    assert (counts >= 1).all() and (counts <= sizes).all()
    exact = sizes * limit / 500
    large = exact >= 1
    # The small classes' minimum of one is paid for by the larger ones.
    assert (counts[large] <= np.ceil(exact[large])).all()
    assert (counts[large] >= np.floor(exact[large]) - 4).all()


def test_limit_is_seeded_and_harmless_above_the_number():
    labels = np.arange(100) % 4
    np.testing.assert_array_equal(stratified_limit(labels, 100), range(100))
    np.testing.assert_array_equal(stratified_limit(labels, 999), range(100))
    one, two = (stratified_limit(labels, 20, seed=s) for s in (1, 2))
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(one, stratified_limit(labels, 20, seed=1))


def test_limit_below_the_classes_is_refused():
    with pytest.raises(ValueError, match="limit=3.*4 or more"):
        stratified_limit(np.arange(100) % 4, 3)
