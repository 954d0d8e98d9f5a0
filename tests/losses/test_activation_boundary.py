"""Activation boundaries (AB)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_connectors,
    check_definition,
    check_gradient,
    check_loss_layer,
    check_training,
)
from tests.losses.networks import make_maps, sample


def reference(teacher, student, margin):
    total = np.zeros(len(teacher))
    for t, s, example in zip(
        teacher.ravel(),
        student.ravel(),
        np.indices(teacher.shape)[0].ravel(),
        strict=True,
    ):
        if s > -margin and t <= 0:
            total[example] += (s + margin) ** 2
        if s <= margin and t > 0:
            total[example] += (s - margin) ** 2
    return total


def test_layer():
    check_loss_layer(
        losses.ActivationBoundary,
        "activation_boundary",
        pairs=(("a", "b"),),
        margin=0.5,
    )


@pytest.mark.parametrize("margin", [1.0, 0.3])
def test_definition_and_gradient(margin):
    def function(teacher, student):
        return losses.activation_boundary(teacher, student, margin)

    for scale in (1, 100):
        check_definition(
            function,
            lambda t, s: reference(t, s, margin),
            *make_maps(scale=scale),
            rtol=1e-4,
        )
    teacher, student = make_maps(side=5)
    check_gradient(lambda s: function(teacher, s), student)


def test_is_zero_beyond_the_margin():
    teacher = np.array([[3.0, -2.0, 0.1, 0.0]])
    for student, expected in (
        ([[1.0, -1.0, 9.0, -1.5]], 0.0),
        ([[0.5, -1.0, 9.0, -1.5]], 0.25),
        ([[0.0, 0.0, 0.0, 0.0]], 4.0),
        ([[-1.0, -1.0, 1.0, 1.0]], 8.0),
    ):
        result = losses.activation_boundary(teacher, np.array(student))
        assert float(result[0]) == pytest.approx(expected)


def test_margin_must_be_positive():
    teacher, student = make_maps()
    with pytest.raises(ValueError, match="`margin` must be positive"):
        losses.activation_boundary(teacher, student, margin=0.0)
    with pytest.raises(ValueError, match="`margin` must be positive"):
        losses.ActivationBoundary(margin=-1.0)


def test_connectors():
    check_connectors(losses.ActivationBoundary)


def test_training(tmp_path):
    check_training(losses.ActivationBoundary, tmp_path)


def test_has_no_connector_where_channels_agree():
    _, teacher, _ = sample()
    loss = losses.ActivationBoundary()
    values = loss(None, teacher, teacher)
    assert loss.weights == []
    expected = [
        losses.activation_boundary(teacher[f"group{i}"], teacher[f"group{i}"])
        for i in (1, 2, 3)
    ]
    np.testing.assert_allclose(
        values, expected[0] / 4 + expected[1] / 2 + expected[2], rtol=1e-5
    )
