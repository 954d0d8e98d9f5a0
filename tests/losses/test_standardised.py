"""Logit standardisation, alone and before the two distillation losses."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
    gradients,
)
from tests.losses.reference import (
    STUDENT,
    TEACHER,
    reference_divergence,
    softmax,
)

LABELS = np.array([0, 1])
SIDES = {"logits": TEACHER}, {"logits": STUDENT}


def reference(logits):
    centred = logits - logits.mean(-1, keepdims=True)
    return centred / logits.std(-1, keepdims=True)


def test_layers():
    check_loss_layer(losses.StandardisedKD, "standardised_kd", temperature=3.0)
    check_loss_layer(
        losses.StandardisedDecoupledKD,
        "standardised_decoupled_kd",
        temperature=3.0,
        alpha=0.5,
        beta=2.0,
    )


def test_standardise():
    logits = np.random.default_rng(0).normal(3, 5, (32, 10))
    check_definition(losses.standardise, reference, logits, atol=1e-5)


def test_bounds():
    """The largest value there can be, of one class above all others."""
    values = losses.standardise([[5.0, 0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(values, [[2.0, -0.5, -0.5, -0.5, -0.5]], 1e-5)


def test_positive_affine_maps_of_an_example_change_nothing():
    scale, offset = np.array([[3.0], [0.01]]), np.array([[100.0], [-2.0]])
    np.testing.assert_allclose(
        losses.standardise(TEACHER * scale + offset),
        losses.standardise(TEACHER),
        atol=1e-4,
    )


@pytest.mark.parametrize("temperature", [1.0, 2.0, 8.0])
def test_kd_is_of_each_sides_own_temperature(temperature):
    """A softmax does not see the mean; the deviation is a temperature."""
    layer = losses.StandardisedKD(temperature)
    own = [side / side.std(-1, keepdims=True) for side in (TEACHER, STUDENT)]
    expected = temperature**2 * reference_divergence(*own, temperature)
    np.testing.assert_allclose(layer(LABELS, *SIDES), expected, rtol=1e-4)


def test_kd_of_the_authors_code_is_this_one_at_another_temperature():
    """It divides by the sample's deviation, as PyTorch does by default."""
    sides = [
        (side - side.mean(-1, keepdims=True)) / side.std(-1, ddof=1)[:, None]
        for side in (TEACHER, STUDENT)
    ]
    authors = 2.0**2 * reference_divergence(*sides, 2.0)
    ratio = TEACHER.shape[1] / (TEACHER.shape[1] - 1)
    own = losses.StandardisedKD(2.0 * ratio**0.5)(LABELS, *SIDES) / ratio
    np.testing.assert_allclose(own, authors, rtol=1e-4)


def test_kd_becomes_the_correlation_of_logits():
    """At a high temperature: DIST's relation of classes, of raw logits."""
    values = losses.StandardisedKD(100.0)(LABELS, *SIDES)
    correlations = [
        np.corrcoef(t, s)[0, 1] for t, s in zip(TEACHER, STUDENT, strict=True)
    ]
    np.testing.assert_allclose(values, 1 - np.array(correlations), rtol=0.02)


def test_decoupled_kd_is_its_own_of_the_standardised_logits():
    layer = losses.StandardisedDecoupledKD(2.0, 1.0, 3.0)
    expected = losses.decoupled_kd(
        LABELS, reference(TEACHER), reference(STUDENT), 2.0, 1.0, 3.0
    )
    np.testing.assert_allclose(layer(LABELS, *SIDES), expected, rtol=1e-4)
    # And with DKD's own weights of `kd`, it is the other loss.
    rest = 1 - softmax(reference(TEACHER) / 2.0)[[0, 1], LABELS]
    parts = [
        losses.StandardisedDecoupledKD(2.0, *weights)(LABELS, *SIDES)
        for weights in ((1.0, 0.0), (0.0, 1.0))
    ]
    np.testing.assert_allclose(
        parts[0] + rest * parts[1],
        losses.StandardisedKD(2.0)(LABELS, *SIDES),
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    "make", [losses.StandardisedKD, losses.StandardisedDecoupledKD]
)
def test_gradient_passes_through_the_statistics(make):
    layer = make()
    slope = check_gradient(
        lambda s: layer(LABELS, SIDES[0], {"logits": s}), STUDENT, step=1e-2
    )
    assert abs(slope) > 1e-2
    # What the statistics take away, no gradient can move.
    (found,) = gradients(
        lambda s: layer(LABELS, SIDES[0], {"logits": s}), STUDENT
    )
    np.testing.assert_allclose(found.sum(-1), 0.0, atol=1e-4)
    np.testing.assert_allclose((found * STUDENT).sum(-1), 0.0, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_constant_and_large_logits(dtype):
    """A new classifier of zeros answers so: nothing is thrown away."""
    layer = losses.StandardisedDecoupledKD()
    for logits in (np.zeros((2, 4)), np.full((2, 4), 7.1), 6e3 * STUDENT):

        def value(x):
            return layer(LABELS, SIDES[0], {"logits": x})

        assert np.isfinite(value(logits.astype(dtype))).all()
        (found,) = gradients(value, logits, dtype=dtype)
        assert np.isfinite(found).all()
        if not logits.std():
            np.testing.assert_array_equal(losses.standardise(logits), 0.0)
            np.testing.assert_array_equal(found, 0.0)


def test_two_classes_have_nothing_to_standardise():
    np.testing.assert_allclose(
        losses.standardise([[1.0, 2.0, 3.0]]),
        [[-1.2247, 0, 1.2247]],
        1e-4,
        1e-6,
    )
    with pytest.raises(ValueError, match="three classes.*Received: 2.*Fix"):
        losses.standardise([[1.0, 2.0]])
    two = {"logits": TEACHER[:, :2]}
    with pytest.raises(ValueError, match="three classes"):
        losses.StandardisedKD()(LABELS, two, two)
