"""Relations of predictions (DIST)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
    gradients,
)
from tests.losses.reference import softmax

FUNCTIONS = (losses.inter_class_relation, losses.intra_class_relation)
TEMPERATURES = [0.5, 1.0, 4.0]


def distances(teacher, student):
    """One minus the correlation of each pair of rows, by NumPy's own."""
    return np.array(
        [
            1 - np.corrcoef(a, b)[0, 1]
            for a, b in zip(teacher, student, strict=True)
        ]
    )


def reference_inter(teacher, student, t):
    return t**2 * distances(softmax(teacher / t), softmax(student / t))


def reference_intra(teacher, student, t):
    p, q = softmax(teacher / t), softmax(student / t)
    return t**2 * distances(p.T, q.T).mean()


def batch(examples=7, classes=5, seed=0):
    return np.random.default_rng(seed).normal(0, 2, (2, examples, classes))


def test_layers():
    check_loss_layer(
        losses.InterClassRelation, "inter_class_relation", temperature=2.0
    )
    check_loss_layer(
        losses.IntraClassRelation,
        "intra_class_relation",
        per_example=False,
        temperature=2.0,
    )


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_equal_the_definitions(temperature):
    for function, reference in zip(
        FUNCTIONS, (reference_inter, reference_intra), strict=True
    ):
        check_definition(
            lambda t, s, f=function: f(t, s, temperature),
            lambda t, s, r=reference: r(t, s, temperature),
            *batch(),
            rtol=1e-4,
            atol=1e-5,
        )


def test_layers_take_the_temperature():
    teacher, student = batch()
    sides = {"logits": teacher}, {"logits": student}
    for layer, function in zip(
        (losses.InterClassRelation, losses.IntraClassRelation),
        FUNCTIONS,
        strict=True,
    ):
        np.testing.assert_allclose(
            layer(2.0)(None, *sides), function(teacher, student, 2.0)
        )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradient(function):
    teacher, student = batch()
    slope = check_gradient(lambda s: function(teacher, s, 2.0), student)
    assert abs(slope) > 1e-2


def test_opposite_predictions():
    """Two classes that are exchanged: the correlation is -1."""
    teacher, student = [[2.0, 0.0], [0.0, 2.0]], [[0.0, 2.0], [2.0, 0.0]]
    np.testing.assert_allclose(
        losses.inter_class_relation(teacher, student), 2.0, rtol=1e-5
    )
    assert float(losses.intra_class_relation(teacher, student)) == (
        pytest.approx(2.0, rel=1e-5)
    )


def test_affine_maps_of_the_probabilities_change_nothing():
    """What a less certain student may keep: all relations at once."""
    teacher, _ = batch()
    shared = 0.5 * softmax(teacher) + 0.5 / teacher.shape[1]
    for function in FUNCTIONS:
        values = function(teacher, np.log(shared))
        np.testing.assert_allclose(values, 0.0, atol=1e-5)
    assert np.min(losses.kd(teacher, np.log(shared), 1.0)) > 1e-3


def test_a_class_that_nobody_predicts_teaches_nothing():
    teacher, student = batch()
    for logits in (teacher, student):
        logits[:, 0] -= 60
    values = losses.intra_class_relation(teacher, student)
    rest = reference_intra(teacher[:, 1:], student[:, 1:], 1.0)
    # Its own distance is one.
    assert float(values) == pytest.approx((1 + 4 * rest) / 5, rel=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_finite_where_there_is_no_relation(dtype):
    teacher, student = batch(4)
    constant = np.zeros((4, 5))
    certain = 1000 * np.eye(5)[[0, 0, 0, 0]]
    for function in FUNCTIONS:
        for logits in (constant, certain, student[:1].repeat(4, 0)):
            for taught in (teacher, logits):
                value = function(taught.astype(dtype), logits.astype(dtype))
                assert np.isfinite(value).all()
                found = gradients(
                    lambda s, t=taught, f=function: f(t, s), logits, dtype=dtype
                )
                assert np.isfinite(found[0]).all()
        np.testing.assert_allclose(function(teacher, constant), 1.0)
    # One example has no relation to others.
    alone = losses.intra_class_relation(teacher[:1], student[:1])
    assert float(alone) == 1.0


@pytest.mark.parametrize("function", FUNCTIONS)
def test_temperature_must_be_positive(function):
    with pytest.raises(ValueError, match="must be positive.*Received"):
        function(*batch(), 0.0)
