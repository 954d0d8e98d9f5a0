"""Targets that replace labels, by their equations."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from keras_artkd.losses.pseudo_targets import PSEUDO_LABELS
from tests.losses.contract import check_gradient
from tests.losses.reference import reference_cross_entropy, softmax

random = np.random.default_rng(0)
TEACHER = random.normal(0, 2, (4, 5)).astype("float32")
STUDENT = random.normal(0, 2, (4, 5)).astype("float32")
# Two images with a label, the second one's not the teacher's; two without.
LABELS = np.array([1, 4, -1, -1])


def reference(kind, temperature=1.0, weight=1.0, share=0.5):
    """In float64, row by row."""
    p = softmax(TEACHER.astype("float64") / temperature)
    rows = []
    for i, label in enumerate(LABELS):
        y = np.eye(5)[label]
        if kind == "pseudo_hard":
            row = y if label >= 0 else np.eye(5)[p[i].argmax()]
        elif kind == "pseudo_soft":
            row = y if label >= 0 else p[i]
        elif kind == "unlabelled":
            row = y * (label >= 0)
        elif kind == "equation":
            row = y * (label >= 0) + weight * p[i]
        else:
            row = share * y + (1 - share) * p[i] if label >= 0 else p[i]
        rows.append(row)
    return np.stack(rows)


@pytest.mark.parametrize("kind", PSEUDO_LABELS)
@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 4.0}, {"weight": 0.3, "share": 0.8}],
)
def test_targets(kind, options):
    targets = losses.pseudo_targets(LABELS, TEACHER, kind, **options)
    assert targets.dtype == "float32"
    np.testing.assert_allclose(targets, reference(kind, **options), atol=1e-6)


@pytest.mark.parametrize("kind", PSEUDO_LABELS)
def test_sums(kind):
    sums = np.sum(losses.pseudo_targets(LABELS, TEACHER, kind, weight=3), 1)
    expected = {"equation": [4, 4, 3, 3], "unlabelled": [1, 1, 0, 0]}
    np.testing.assert_allclose(sums, expected.get(kind, [1] * 4), rtol=1e-6)


def test_a_small_temperature_is_nearly_hard():
    """The tutorial's; a large one, Hinton's, is nearly uniform."""
    hard = losses.pseudo_targets(LABELS, TEACHER, "pseudo_hard")
    small, large = (
        losses.pseudo_targets(LABELS, TEACHER, temperature=t)
        for t in (0.02, 1e4)
    )
    np.testing.assert_allclose(small, hard, atol=1e-6)
    np.testing.assert_allclose(large[2:], 0.2, atol=1e-3)


def test_cross_entropy_with_them_is_the_equation():
    """CE(y, S) + weight H(p, S); without a label the second term alone."""
    weight, temperature = 2.5, 3.0
    targets = losses.pseudo_targets(
        LABELS, TEACHER, "equation", temperature, weight
    )
    student = STUDENT.astype("float64")
    p = softmax(TEACHER.astype("float64") / temperature)
    expected = weight * reference_cross_entropy(p, student)
    expected[:2] += reference_cross_entropy(LABELS[:2], student[:2])
    np.testing.assert_allclose(
        losses.cross_entropy(targets, STUDENT), expected, rtol=1e-6
    )


def test_cross_entropy_is_linear_in_the_target():
    """Gradients too, which TensorFlow's own has for sums of 1 alone."""
    first, second = random.uniform(0, 1, (2, 4, 5)).astype("float32")
    logits = tf.Variable(STUDENT)

    def value_and_slope(target):
        with tf.GradientTape() as tape:
            value = losses.cross_entropy(target, logits)
        return value.numpy(), tape.gradient(value, logits).numpy()

    parts = value_and_slope(first), value_and_slope(second)
    whole = value_and_slope(2 * first + 3 * second)
    for a, b, c in zip(*parts, whole, strict=True):
        np.testing.assert_allclose(2 * a + 3 * b, c, rtol=1e-4, atol=1e-5)
    check_gradient(lambda x: losses.cross_entropy(5 * first, x), STUDENT)


def test_decoupled_kd_takes_the_shares_of_the_target():
    targets = losses.pseudo_targets(LABELS, TEACHER, "equation", weight=3.0)
    shares = targets / np.sum(targets, axis=1, keepdims=True)
    np.testing.assert_allclose(
        losses.decoupled_kd(targets, TEACHER, STUDENT),
        losses.decoupled_kd(shares, TEACHER, STUDENT),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "pseudo"}, "pseudo_hard, pseudo_soft, .*kind='pseudo'"),
        ({"temperature": 0.0}, "temperature=0.0"),
        ({"weight": 0.0}, "must be positive.*weight=0.0"),
        ({"share": 1.5}, "in .0, 1.*share=1.5"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        losses.pseudo_targets(LABELS, TEACHER, **options)
