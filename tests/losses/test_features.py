"""Losses on features: FitNets, VID, AB, OFD and ReviewKD's HCL."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.contract import finite_difference_check

SHAPE = (3, 8, 8, 4)
MARGIN = np.array([-0.5, -1.0, 0.0, -0.2])
VARIANCE = np.array([0.5, 1.0, 2.0, 5.0])


def sides(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).normal(size=(2, *shape))


def reference_boundary(teacher, student, margin=1.0):
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


def reference_overhaul(teacher, student, margin):
    """The three cases of the authors' code."""
    margin = np.broadcast_to(margin, teacher.shape)
    value = np.zeros(teacher.shape)
    below = (student > margin) & (teacher <= margin)
    value[below] = ((student - margin) ** 2)[below]
    between = (student > teacher) & (teacher > margin) & (teacher <= 0)
    value[between] = ((student - teacher) ** 2)[between]
    positive = teacher > 0
    value[positive] = ((student - teacher) ** 2)[positive]
    return value.sum((1, 2, 3))


def reference_context(teacher, student):
    def means(x):
        return (x**2).mean((1, 2, 3))

    total, weights = means(teacher - student), 1.0
    height = teacher.shape[1]
    for level, side in enumerate(s for s in (4, 2, 1) if s < height):
        window = height // side
        grid = (len(teacher), side, window, side, window, -1)
        t, s = (x.reshape(grid).mean((2, 4)) for x in (teacher, student))
        total = total + means(t - s) / 2 ** (level + 1)
        weights += 1 / 2 ** (level + 1)
    return total / weights


def reference_information(teacher, mean, variance):
    values = (teacher - mean) ** 2 / variance + np.log(variance)
    return 0.5 * values.mean((1, 2, 3))


FUNCTIONS = [
    (losses.hint, lambda t, s: ((t - s) ** 2).mean((1, 2, 3))),
    (
        lambda t, s: losses.variational_information(t, s, VARIANCE),
        lambda t, s: reference_information(t, s, VARIANCE),
    ),
    (losses.activation_boundary, reference_boundary),
    (
        lambda t, s: losses.activation_boundary(t, s, margin=0.3),
        lambda t, s: reference_boundary(t, s, 0.3),
    ),
    (
        lambda t, s: losses.overhaul(t, s, MARGIN),
        lambda t, s: reference_overhaul(t, s, MARGIN),
    ),
    (losses.hierarchical_context, reference_context),
]
NAMES = ["hint", "vid", "ab", "ab_margin", "ofd", "hcl"]


@pytest.mark.parametrize(("function", "reference"), FUNCTIONS, ids=NAMES)
def test_equals_the_definition(function, reference):
    teacher, student = sides()
    result = function(teacher, student)
    assert result.shape == (3,)
    assert result.dtype == "float32"
    np.testing.assert_allclose(
        result, reference(teacher, student), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("function", "reference"), FUNCTIONS, ids=NAMES)
def test_float16_inputs(function, reference):
    """As much as float16 inputs allow, and no sum out of their range."""
    teacher, student = (100 * x.astype("float16") for x in sides(1))
    result = function(teacher, student)
    assert result.dtype == "float32"
    np.testing.assert_allclose(
        result,
        reference(teacher.astype(float), student.astype(float)),
        rtol=1e-4,
    )


@pytest.mark.parametrize(("function", "reference"), FUNCTIONS, ids=NAMES)
def test_gradients(function, reference):
    teacher, student = sides(2, (2, 5, 5, 4))
    finite_difference_check(
        lambda s: tf.reduce_sum(function(teacher, s)), student
    )


@pytest.mark.parametrize("side", [1, 2, 3, 4, 8])
def test_hierarchical_context_leaves_out_grids_that_are_no_smaller(side):
    teacher, student = sides(3, (2, side, side, 3))
    result = losses.hierarchical_context(teacher, student)
    if side != 3:
        np.testing.assert_allclose(
            result, reference_context(teacher, student), rtol=1e-4
        )
    constant = losses.hierarchical_context(teacher, teacher + 2.0)
    np.testing.assert_allclose(constant, 4.0, rtol=1e-4)


def test_activation_boundary_is_zero_beyond_the_margin():
    teacher = np.array([[3.0, -2.0, 0.1, 0.0]])
    for student, expected in (
        ([[1.0, -1.0, 9.0, -1.5]], 0.0),
        ([[0.5, -1.0, 9.0, -1.5]], 0.25),
        ([[0.0, 0.0, 0.0, 0.0]], 4.0),
        ([[-1.0, -1.0, 1.0, 1.0]], 8.0),
    ):
        result = losses.activation_boundary(teacher, np.array(student))
        assert float(result[0]) == pytest.approx(expected)
    with pytest.raises(ValueError, match="`margin` must be positive"):
        losses.activation_boundary(teacher, teacher, margin=0.0)


def test_overhaul_leaves_alone_what_a_relu_ignores():
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


def test_variational_information_is_least_at_the_truth():
    """Over the mean at the features, over the variance at the mean square."""
    teacher, mean = sides(4)
    spread = ((teacher - mean) ** 2).mean()

    def value(mean, variance):
        result = losses.variational_information(teacher, mean, variance)
        return float(np.mean(result))

    least = value(mean, spread)
    assert least == pytest.approx(0.5 * (1 + math.log(spread)), rel=1e-5)
    assert least < min(value(mean, spread * f) for f in (0.5, 0.9, 1.1, 2))
    assert value(teacher, 1.0) == pytest.approx(0.0, abs=1e-6)


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
