"""Variational information distillation (VID)."""

import math

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

VARIANCE = np.array([0.5, 1.0, 2.0, 5.0])


def reference(teacher, mean):
    values = (teacher - mean) ** 2 / VARIANCE + np.log(VARIANCE)
    return 0.5 * values.mean((1, 2, 3))


def information(teacher, mean):
    return losses.variational_information(teacher, mean, VARIANCE)


def test_layer():
    check_loss_layer(
        losses.VariationalInformation,
        "variational_information",
        pairs=(("a", "b"),),
        initial_variance=2.0,
    )


def test_equals_the_definition():
    for scale in (1, 100):
        check_definition(information, reference, *make_maps(scale=scale))


def test_gradient():
    teacher, mean = make_maps(side=5)
    check_gradient(lambda x: information(teacher, x), mean)


def test_is_least_at_the_truth():
    """Over the mean at the features, over the variance at the mean square."""
    teacher, mean = make_maps()
    spread = ((teacher - mean) ** 2).mean()

    def value(mean, variance):
        result = losses.variational_information(teacher, mean, variance)
        return float(np.mean(result))

    least = value(mean, spread)
    assert least == pytest.approx(0.5 * (1 + math.log(spread)), rel=1e-5)
    assert least < min(value(mean, spread * f) for f in (0.5, 0.9, 1.1, 2))
    assert value(teacher, 1.0) == pytest.approx(0.0, abs=1e-6)


def test_heads():
    check_connectors(losses.VariationalInformation)
    check_connectors_learn(losses.VariationalInformation)


def test_training(tmp_path):
    check_training(losses.VariationalInformation, tmp_path)


def test_initial_variance_is_the_variance_at_first():
    labels, teacher, student = sample()
    loss = losses.VariationalInformation(initial_variance=3.0)
    value = loss(labels, teacher, student)
    pairs = loss.connected_maps(teacher, student)
    expected = sum(
        losses.variational_information(taught, mean, 3.0)
        for taught, mean in pairs
    )
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    with pytest.raises(ValueError, match="`initial_variance`.*Received"):
        losses.VariationalInformation(initial_variance=0.0)
