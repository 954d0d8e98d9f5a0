"""What a person labels first: small margins, of many kinds."""

import numpy as np
import pytest

from keras_artkd.measure.metrics import softmax
from keras_artkd.runs.label_order import (
    by_turns,
    labelling_order,
    margins,
)


def answers(count, classes=5, seed=0):
    """Probabilities of many degrees of certainty."""
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.1, 6, (count, 1))
    return softmax(scale * rng.normal(size=(count, classes)))


def undone(count):
    return np.zeros(count, bool)


def test_margins_are_of_the_two_likeliest():
    probabilities = answers(50)
    expected = [sorted(row)[-1] - sorted(row)[-2] for row in probabilities]
    np.testing.assert_allclose(margins(probabilities), expected, rtol=1e-12)
    assert margins(np.array([[0.5, 0.5]])).tolist() == [0]


def test_groups_take_turns():
    groups = np.array([0, 0, 0, 2, 1, 2, 0])
    # The first of 0, 2 and 1; the second of 0 and 2; what is left of 0.
    assert by_turns(groups).tolist() == [0, 3, 4, 1, 5, 2, 6]
    assert by_turns(np.zeros(0, int)).tolist() == []


def test_every_picture_has_a_place_and_the_most_uncertain_the_first():
    probabilities = answers(200)
    order = labelling_order(probabilities, undone(200))
    assert sorted(order) == [*range(200)]
    assert order[0] == margins(probabilities).argmin()
    np.testing.assert_array_equal(
        order, labelling_order(probabilities, undone(200))
    )
    # Every one of the first half is less sure than any of the second.
    by_margin = margins(probabilities)[order]
    assert by_margin[:100].max() <= by_margin[100:].min()
    assert (np.diff(by_margin[100:]) >= 0).all()


def test_the_first_are_of_many_kinds():
    """A hundred that waver between a and b hide none that waver otherwise."""
    rng = np.random.default_rng(0)
    # Nearly equal two classes: mostly 0 and 1, and surer ones of other pairs.
    pairs = [(0, 1)] * 100 + [(2, 3)] * 5 + [(4, 5)] * 5 + [(6, 7)] * 5
    logits = np.full((230, 8), -4.0)
    for row, (one, other) in enumerate(pairs):
        gap = 0.1 if one == 0 else 0.5
        logits[row, [one, other]] = 2, 2 - gap * rng.uniform(0.5, 1)
    # Of which the expert is sure.
    logits[np.arange(115, 230), rng.integers(8, size=115)] = 8
    probabilities = softmax(logits)
    # One of each group.
    first = labelling_order(probabilities, undone(230))[:20]
    kinds = {pairs[row] for row in first}
    assert kinds == {(0, 1), (2, 3), (4, 5), (6, 7)}
    # By margin alone they would be of one.
    alone = np.argsort(margins(probabilities), kind="stable")[:20]
    assert {pairs[row] for row in alone} == {(0, 1)}


def test_what_is_done_comes_last():
    probabilities = answers(30)
    done = undone(30)
    done[margins(probabilities).argsort()[:3]] = True
    order = labelling_order(probabilities, done)
    assert not done[order[:27]].any() and done[order[27:]].all()
    # And has no part in the groups of the others.
    rest = np.flatnonzero(~done)
    alone = rest[labelling_order(probabilities[rest], undone(27))]
    np.testing.assert_array_equal(order[:27], alone)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_pictures(count):
    order = labelling_order(answers(count), undone(count))
    assert sorted(order) == [*range(count)]


def test_equal_answers_keep_their_order():
    probabilities = np.tile([[0.6, 0.4]], (9, 1))
    order = labelling_order(probabilities, undone(9))
    assert order.tolist() == [*range(9)]
