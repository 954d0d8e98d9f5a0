"""Distillation between two views (CS-KD, DDGSD)."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
    gradients,
)
from tests.losses.reference import reference_divergence, softmax
from tests.losses.views import CLASSES, EXAMPLES, PAIRS, rows


def reference(logits, temperature, mutual):
    views = logits.reshape(-1, 2, CLASSES)
    first, second = views[:, 0], views[:, 1]
    total = reference_divergence(second, first, temperature)
    if mutual:
        total = total + reference_divergence(first, second, temperature)
    return temperature**2 * total


def test_layer():
    check_loss_layer(
        losses.ViewKD,
        "view_kd",
        role="student",
        views=2,
        temperature=2.0,
        mutual=True,
    )


@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_equals_the_definition(temperature, mutual):
    check_definition(
        lambda x: losses.view_kd(x, temperature, mutual),
        lambda x: reference(x, temperature, mutual),
        rows(PAIRS),
    )


def test_is_kd_of_the_second_view_to_the_first():
    np.testing.assert_allclose(
        losses.view_kd(rows(PAIRS)), losses.kd(PAIRS[:, 1], PAIRS[:, 0])
    )
    swapped = rows(PAIRS[:, ::-1])
    np.testing.assert_allclose(
        losses.view_kd(rows(PAIRS), mutual=True),
        losses.view_kd(rows(PAIRS)) + losses.view_kd(swapped),
        rtol=1e-6,
    )


def test_equal_views_have_nothing_to_learn():
    logits = np.repeat(PAIRS[:, 0], 2, axis=0)
    for mutual in (False, True):
        np.testing.assert_allclose(
            losses.view_kd(logits, mutual=mutual), 0.0, atol=1e-6
        )


def test_huge_gaps():
    pairs = rows(1e3 * PAIRS).astype("float16")
    assert np.isfinite(losses.view_kd(pairs, mutual=True)).all()


def test_gradient_of_the_view_that_learns():
    def joined(first):
        views = tf.stack([first, PAIRS[:, 1].astype("float32")], axis=1)
        return losses.view_kd(tf.reshape(views, (-1, CLASSES)))

    assert abs(check_gradient(joined, PAIRS[:, 0], step=1e-2)) > 1e-2


def test_the_view_that_teaches_gets_no_gradient():
    (gradient,) = gradients(losses.view_kd, rows(PAIRS))
    gradient = gradient.reshape(PAIRS.shape)
    np.testing.assert_array_equal(gradient[:, 1], 0.0)
    assert np.abs(gradient[:, 0]).max() > 1e-2


def test_views_that_teach_each_other_each_learn_as_from_a_fixed_one():
    """Each gets T (its probability less that of the other)."""
    (gradient,) = gradients(
        lambda x: losses.view_kd(x, 4.0, mutual=True), rows(PAIRS)
    )
    probability = softmax(PAIRS / 4)
    np.testing.assert_allclose(
        gradient.reshape(PAIRS.shape),
        4 * (probability - probability[:, ::-1]),
        atol=1e-5,
    )


def test_bad_arguments():
    with pytest.raises(ValueError, match="2 rows for each.*: 5 rows.*Fix"):
        losses.view_kd(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="must be positive"):
        losses.view_kd(rows(PAIRS), 0.0)
    with pytest.raises(ValueError, match="must be positive"):
        losses.ViewKD(temperature=0.0)


@pytest.mark.parametrize("mutual", [False, True])
def test_layer_reads_the_student(mutual):
    labels = np.zeros(EXAMPLES)
    np.testing.assert_allclose(
        losses.ViewKD(2.0, mutual)(labels, {}, {"logits": rows(PAIRS)}),
        losses.view_kd(rows(PAIRS), 2.0, mutual),
    )
