"""Squared distance of logits."""

import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
)
from tests.losses.reference import STUDENT, TEACHER


def test_layer():
    check_loss_layer(losses.LogitsL2, "logits_l2", reduction="sum")


def test_equals_the_definition():
    check_definition(
        losses.logits_l2,
        lambda t, s: ((t - s) ** 2).mean(-1),
        TEACHER,
        STUDENT,
    )
    check_definition(
        lambda t, s: losses.logits_l2(t, s, "sum"),
        lambda t, s: ((t - s) ** 2).sum(-1),
        TEACHER,
        STUDENT,
    )


def test_gradient():
    check_gradient(lambda s: losses.logits_l2(TEACHER, s), STUDENT)


def test_reduction_is_checked():
    with pytest.raises(ValueError, match="mean, sum.*'max'"):
        losses.logits_l2(TEACHER, STUDENT, "max")
    with pytest.raises(ValueError, match="mean, sum.*'max'"):
        losses.LogitsL2("max")
