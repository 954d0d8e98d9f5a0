"""Overhaul of feature distillation (OFD)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_connectors,
    check_connectors_learn,
    check_definition,
    check_gradient,
    check_loss_layer,
    check_training,
)
from tests.losses.networks import make_maps, sample

MARGIN = np.array([-0.5, -1.0, 0.0, -0.2])


def reference(teacher, student):
    """The three cases of the authors' code."""
    margin = np.broadcast_to(MARGIN, teacher.shape)
    value = np.zeros(teacher.shape)
    below = (student > margin) & (teacher <= margin)
    value[below] = ((student - margin) ** 2)[below]
    between = (student > teacher) & (teacher > margin) & (teacher <= 0)
    value[between] = ((student - teacher) ** 2)[between]
    positive = teacher > 0
    value[positive] = ((student - teacher) ** 2)[positive]
    return value.sum((1, 2, 3))


def test_layer():
    check_loss_layer(
        losses.Overhaul,
        "overhaul",
        pairs=(("a", "b"),),
        margins=((-1.0, -0.5),),
    )


def test_equals_the_definition():
    for scale in (1, 100):
        check_definition(
            lambda t, s: losses.overhaul(t, s, MARGIN),
            reference,
            *make_maps(scale=scale),
            rtol=1e-4,
        )


def test_gradient():
    teacher, student = make_maps(side=5)
    check_gradient(lambda s: losses.overhaul(teacher, s, MARGIN), student)


def test_leaves_alone_what_a_relu_ignores():
    margin = -1.0
    for teacher, student, expected in (
        (-0.5, -0.7, 0.0),
        (-0.5, -0.2, 0.09),
        (-3.0, -9.0, 0.0),
        (-3.0, -0.5, 0.25),
        (0.0, -5.0, 0.0),
        (2.0, -1.0, 9.0),
        (2.0, 2.0, 0.0),
    ):
        maps = (np.full((1, 1, 1, 1), x) for x in (teacher, student))
        result = losses.overhaul(*maps, margin)
        assert float(result[0]) == pytest.approx(expected, abs=1e-6)


def test_batch_norm_margins():
    """The mean of the negative half of a million drawn responses."""
    gamma = np.array([1.0, -0.5, 2.0, 0.1, 0.0])
    beta = np.array([0.0, 0.4, -1.0, 5.0, -0.3])
    margins = losses.batch_norm_margins(gamma, beta)
    drawn = np.random.default_rng(5).normal(size=10**6)
    for i in range(3):
        responses = beta[i] + abs(gamma[i]) * drawn
        expected = responses[responses < 0].mean()
        assert margins[i] == pytest.approx(expected, rel=1e-2)
    np.testing.assert_allclose(margins[3:], [-0.3, -0.3], rtol=1e-6)


def test_connectors():
    check_connectors(losses.Overhaul)
    check_connectors_learn(losses.Overhaul)


def test_training(tmp_path):
    check_training(losses.Overhaul, tmp_path)


def test_estimates_margins_of_negative_responses():
    """Of each channel, over all batches seen; zero where there is none."""
    random = np.random.default_rng(0)
    scale = np.array([1.0, 3.0, 0.5])
    batches = random.normal(size=(20, 8, 4, 4, 3)) * scale
    batches[..., 2] = np.abs(batches[..., 2])
    loss = losses.Overhaul(pairs=[("map", "map")])
    loss(None, {"map": batches[0]}, {"map": batches[0]})
    first = batches[0]
    margin = loss.responses[0].numpy()
    np.testing.assert_allclose(
        margin[1][:2] / margin[0][:2],
        [first[..., c][first[..., c] < 0].mean() for c in (0, 1)],
        rtol=1e-4,
    )
    for batch in batches[1:]:
        loss(None, {"map": batch}, {"map": batch})
    share, total = loss.responses[0].numpy()
    # Half a Gaussian's mean is sqrt(2 / pi) of its deviation.
    np.testing.assert_allclose(
        total[:2] / share[:2], -0.798 * scale[:2], rtol=0.05
    )
    assert share[2] == total[2] == 0.0


def test_uses_given_margins():
    _, teacher, student = sample()
    given = [[-0.1 * (i + 1)] * 6 * 2**i for i in range(3)]
    loss = losses.Overhaul(margins=given)
    values = loss(None, teacher, student)
    pairs = loss.connected_maps(teacher, student)
    expected = [
        losses.overhaul(taught, learnt, margin[0])
        for (taught, learnt), margin in zip(pairs, given, strict=True)
    ]
    np.testing.assert_allclose(
        values, expected[0] / 4 + expected[1] / 2 + expected[2], rtol=1e-4
    )
    with pytest.raises(ValueError, match=r"\[6, 12, 24\].*Received: \[1\]"):
        losses.Overhaul(margins=[[-1.0]])(None, teacher, student)
