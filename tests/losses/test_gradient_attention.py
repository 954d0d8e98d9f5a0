"""Gradient attention transfer, of given gradients."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
    gradients,
)

RANDOM = np.random.default_rng(0)
TEACHER, STUDENT = RANDOM.normal(size=(2, 3, 4, 5, 3)).astype("float32")
EXPECTED = {
    "l2": lambda t, s: np.linalg.norm((s - t).reshape(3, -1), axis=1) / 2,
    "squared": lambda t, s: ((s - t) ** 2).sum((1, 2, 3)) / 2,
}


def test_layer():
    check_loss_layer(
        losses.GradientAttention, "gradient_attention", norm="squared"
    )


@pytest.mark.parametrize("norm", EXPECTED)
def test_equals_the_definition(norm):
    check_definition(
        lambda t, s: losses.gradient_attention(t, s, norm),
        EXPECTED[norm],
        TEACHER,
        STUDENT,
    )
    check_gradient(
        lambda s: losses.gradient_attention(TEACHER, s, norm), STUDENT
    )


def test_the_squared_distance_has_the_gradient_of_equation_5():
    _, gradient = gradients(
        lambda t, s: losses.gradient_attention(t, s, "squared"),
        TEACHER,
        STUDENT,
    )
    np.testing.assert_allclose(gradient, STUDENT - TEACHER, rtol=1e-5)


def test_where_networks_agree():
    for norm in EXPECTED:
        (gradient,) = gradients(
            lambda s, norm=norm: losses.gradient_attention(s, s, norm), STUDENT
        )
        assert not gradient.any()
    assert not np.any(losses.gradient_attention(STUDENT, STUDENT))


def test_unknown_norm():
    with pytest.raises(ValueError, match="l2, squared.*'mse'"):
        losses.GradientAttention("mse")
