"""Cross-entropy with a teacher's softened predictions."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
)
from tests.losses.reference import (
    STUDENT,
    TEACHER,
    reference_cross_entropy,
    softmax,
)


def test_layer():
    check_loss_layer(
        losses.SoftCrossEntropy, "soft_cross_entropy", temperature=2.0
    )


def test_equals_the_definition():
    check_definition(
        losses.soft_cross_entropy,
        lambda t, s: reference_cross_entropy(softmax(t / 4), s / 4),
        TEACHER,
        STUDENT,
    )


def test_is_kd_without_its_factor_plus_the_teachers_entropy():
    p = softmax(TEACHER / 4)
    entropy = -(p * np.log(p)).sum(-1)
    np.testing.assert_allclose(
        losses.kd(TEACHER, STUDENT) / 16 + entropy,
        losses.soft_cross_entropy(TEACHER, STUDENT),
        rtol=1e-5,
    )


def test_gradient():
    check_gradient(lambda s: losses.soft_cross_entropy(TEACHER, s), STUDENT)


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match="must be positive.*Received"):
        losses.soft_cross_entropy(TEACHER, STUDENT, 0)
    with pytest.raises(ValueError, match="must be positive.*Received"):
        losses.SoftCrossEntropy(temperature=-1.0)
