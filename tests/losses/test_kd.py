"""Hinton's distillation."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
)
from tests.losses.reference import STUDENT, TEACHER, reference_divergence


def test_layer():
    check_loss_layer(losses.KD, "kd", temperature=2.0)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0, 20.0])
def test_equals_the_definition(temperature):
    check_definition(
        lambda t, s: losses.kd(t, s, temperature),
        lambda t, s: temperature**2 * reference_divergence(t, s, temperature),
        TEACHER,
        STUDENT,
        rtol=1e-4,
    )


def test_vector():
    assert np.mean(losses.kd(TEACHER, STUDENT)) == pytest.approx(
        0.887784, abs=1e-6
    )


def test_gradient():
    check_gradient(lambda s: losses.kd(TEACHER, s), STUDENT)


def test_is_zero_for_logits_that_differ_by_a_constant():
    np.testing.assert_allclose(
        losses.kd(TEACHER, TEACHER + 3.0), 0.0, atol=1e-5
    )


def test_stays_exact_where_probabilities_vanish():
    """Keras's KLDivergence clips here, to 16.1."""
    teacher, student = np.array([[60.0, 0.0]]), np.array([[0.0, 60.0]])
    assert float(losses.kd(teacher, student, 1.0)[0]) == pytest.approx(60.0)
    assert np.isfinite(losses.kd(teacher * 100, student * 100, 1.0)).all()


@pytest.mark.parametrize("temperature", [0, -1.0])
def test_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="must be positive.*Received"):
        losses.kd(TEACHER, STUDENT, temperature)
    with pytest.raises(ValueError, match="must be positive.*Received"):
        losses.KD(temperature)
