"""Confidence in differences between cells, and in an order of cells."""

import itertools

import numpy as np
import pytest

from keras_artkd.measure.comparing import (
    adjust,
    compare,
    crossed_interval,
    judge_order,
    mean_interval,
)


def test_intervals():
    low, high = mean_interval([1.0, 2.0, 3.0])
    # Student's t with two degrees of freedom: 4.3027.
    half = 4.302653 / 3**0.5
    np.testing.assert_allclose((low, high), (2 - half, 2 + half), rtol=1e-6)
    assert mean_interval([1.0]) is None
    gains = np.random.default_rng(0).integers(-1, 2, (3, 200))
    (low, high), p_value = crossed_interval(gains)
    centre, width = gains.mean(), high - low
    np.testing.assert_allclose((low + high) / 2, centre)
    for means in (gains.mean(axis=0), gains.mean(axis=1)):
        alone = np.ptp(mean_interval(means))
        assert width > alone
    squares = [np.ptp(mean_interval(gains.mean(axis=i))) ** 2 for i in (0, 1)]
    np.testing.assert_allclose(width, sum(squares) ** 0.5)
    # The level at which it reaches zero.
    edge, _ = crossed_interval(gains, 1 - p_value)
    np.testing.assert_allclose(min(abs(end) for end in edge), 0, atol=1e-6)
    assert crossed_interval(np.ones((3, 20))) == (None, None)


def test_intervals_of_random_splits():
    """Nadeau and Bengio: the variance by 1/n + test/train, not by 1/n."""
    values = [0.1, 0.3, 0.2, 0.6, 0.3]
    low, high = mean_interval(values, overlap=0.25)
    # Student's t with four degrees of freedom.
    half = 2.776445 * (np.var(values, ddof=1) * (1 / 5 + 0.25)) ** 0.5
    np.testing.assert_allclose((low, high), (0.3 - half, 0.3 + half), rtol=1e-6)
    same = mean_interval(values)
    np.testing.assert_allclose(mean_interval(values, overlap=0.0), same)


def test_differences_of_random_splits_are_not_paired_by_image():
    first, second = measured(0.5), measured(0.6)
    difference = compare((first, second), overlap=0.2)
    assert difference.over_images is difference.over_both is None
    assert difference.mean == compare((first, second)).mean


@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_intervals_hold_the_truth(spread):
    """Of other seeds and images, nineteen times of twenty or more."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        gains = 0.02 + rng.normal(0, 0.3, (1, 100))
        gains = gains + rng.normal(0, 0.5, (3, 100))
        gains += rng.normal(0, spread, (3, 1))
        (low, high), _ = crossed_interval(gains)
        held += low <= 0.02 <= high
    assert held / 400 > 0.92


def test_holm():
    np.testing.assert_allclose(adjust([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert adjust([0.9, 0.8]) == [1.0, 1.0]
    assert adjust([]) == []


def measured(accuracy, images=400, seeds=(0, 1, 2)):
    """A cell as `compare` takes it, of about that accuracy."""
    result = {}
    for seed in seeds:
        correct = np.arange(images) < round(accuracy * images)
        correct[seed % 3] = False
        result[seed] = correct.mean(), correct
    return result


def test_differences_are_paired_by_seed():
    a, b = measured(0.5), measured(0.6, seeds=(1, 2, 3))
    difference = compare((a, b))
    assert difference.seeds == (1, 2)
    np.testing.assert_allclose(difference.mean, 0.1)
    np.testing.assert_allclose(difference.each, 0.1)
    assert difference.over_both[0] > 0
    assert compare((a, {7: b[1]})) is None
    # Without predictions there are the seeds.
    bare = {seed: (share, None) for seed, (share, _) in b.items()}
    difference = compare((a, bare))
    assert difference.over_images is None
    assert difference.over_both is None and difference.p_value is None
    np.testing.assert_allclose(difference.over_seeds, (0.1, 0.1))
    # One seed says how sure the images are, and nothing of other seeds.
    one = compare(({1: a[1]}, {1: b[1]}))
    gains = b[1][1] * 1.0 - a[1][1]
    assert one.over_images == mean_interval(gains)
    assert one.over_seeds is one.over_both is one.p_value is None


def test_a_part_is_the_mean_of_its_differences():
    """With and without it, beside the others and alone."""
    cells = [measured(share) for share in (0.3, 0.5, 0.6, 0.7)]
    pairs = (cells[0], cells[1]), (cells[2], cells[3])
    difference = compare(*pairs)
    np.testing.assert_allclose(difference.mean, 0.15)
    np.testing.assert_allclose(difference.each, 0.15)
    gains = [
        np.mean([b[s][1] * 1.0 - a[s][1] for a, b in pairs], axis=0)
        for s in range(3)
    ]
    assert difference.over_both == crossed_interval(gains)[0]
    assert compare(pairs[0], (cells[2], {})) is None


def test_verdicts():
    pairs = [("low", "high"), ("middle", "high")]
    cells = {name: {} for name in ("low", "middle", "high")}
    assert "none of its 2 pairs" in judge_order(pairs, cells)["verdict"]
    cells["low"], cells["high"] = measured(0.3), measured(0.7)
    some = judge_order(pairs, cells)
    assert (some["measured"], some["shown"]) == (1, [("low", "high")])
    assert some["verdict"].startswith("The paper's order held in part")
    assert "1 are not measured" in some["verdict"]
    cells["middle"] = measured(0.5)
    assert judge_order(pairs, cells)["verdict"].startswith(
        "The paper's order held."
    )
    cells["middle"] = measured(0.6975)
    close = judge_order(pairs, cells)
    assert close["in_order"] == 2 and len(close["shown"]) == 1
    assert "held in part; the rest cannot be told" in close["verdict"]
    cells["low"] = cells["middle"]
    near = judge_order(pairs, cells)
    assert near["in_order"] == 2 and not near["shown"]
    assert near["verdict"].startswith("Whether the paper's order holds cannot")
    cells["low"] = measured(0.3)
    cells["middle"] = measured(0.9)
    wrong = judge_order(pairs, cells)
    assert wrong["contradicted"] == [("middle", "high")]
    assert "did not hold: high is below middle." in wrong["verdict"]
    # However far apart, one seed is none.
    single = {name: {0: cell[0]} for name, cell in cells.items()}
    judged = judge_order(pairs, single)
    assert not judged["contradicted"] and not judged["shown"]
    assert "a single seed is no proof" in judged["verdict"]
    cells["low"] = cells["middle"] = cells["high"] = measured(0.5)
    assert "cannot be told" in judge_order(pairs, cells)["verdict"]


def test_a_single_pair_of_many_is_no_proof():
    """Chance alone puts one pair of twenty beyond its own interval."""
    rng = np.random.default_rng(3)
    cells = {
        str(i): {
            seed: ((c := rng.random(200) < 0.5).mean(), c) for seed in range(3)
        }
        for i in range(12)
    }
    pairs = list(itertools.combinations(cells, 2))
    order = judge_order(pairs, cells)
    assert order["measured"] == 66
    assert not order["shown"] and not order["contradicted"]
