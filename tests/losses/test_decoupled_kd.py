"""Decoupled distillation, by its definition, its identities and extremes."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
)
from tests.losses.reference import STUDENT, TEACHER, softmax

LABELS = np.array([0, 1])


def reference(label, teacher, student, temperature, alpha, beta):
    """Of one example, in float64, as the paper's equations read."""
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    others = np.arange(len(p)) != label
    binary = [(p[label], q[label]), (p[others].sum(), q[others].sum())]
    target = sum(a * np.log(a / b) for a, b in binary)
    p, q = p[others] / p[others].sum(), q[others] / q[others].sum()
    rest = (p * np.log(p / q)).sum()
    return temperature**2 * (alpha * target + beta * rest)


def test_layer():
    check_loss_layer(
        losses.DecoupledKD,
        "decoupled_kd",
        temperature=2.0,
        alpha=0.5,
        beta=2.0,
    )


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_equals_the_definition_for_every_label(temperature, classes):
    random = np.random.default_rng(classes)
    teacher = random.normal(0, 3, (classes, classes))
    student = random.normal(0, 3, (classes, classes))
    labels = np.arange(classes)
    check_definition(
        lambda t, s: losses.decoupled_kd(labels, t, s, temperature, 0.5, 3.0),
        lambda t, s: [
            reference(*example, temperature, 0.5, 3.0)
            for example in zip(labels, t, s, strict=True)
        ],
        teacher,
        student,
        rtol=1e-4,
        atol=1e-5,
    )


def test_vectors():
    def parts(alpha, beta):
        return losses.decoupled_kd(
            LABELS, TEACHER, STUDENT, 4.0, alpha=alpha, beta=beta
        )

    np.testing.assert_allclose(parts(1, 0), [0.841783, 0.106075], atol=2e-6)
    np.testing.assert_allclose(parts(0, 1), [0.030621, 1.267995], atol=2e-6)
    assert np.mean(parts(1, 8)) == pytest.approx(5.668392, abs=1e-5)


@pytest.mark.parametrize("labels", [[0, 1], [3, 2]])
def test_is_kd_with_the_weights_that_kd_binds(labels):
    p = softmax(TEACHER / 4)
    result = losses.decoupled_kd(
        labels, TEACHER, STUDENT, 4.0, alpha=1.0, beta=1 - p[[0, 1], labels]
    )
    np.testing.assert_allclose(
        result, losses.kd(TEACHER, STUDENT, 4.0), rtol=1e-5
    )


def test_is_zero_where_logits_differ_by_a_constant():
    result = losses.decoupled_kd(LABELS, TEACHER, TEACHER + 3.0)
    np.testing.assert_allclose(result, 0.0, atol=1e-4)


def test_probabilities_give_the_expected_value():
    """Mixup's labels, label smoothing's, and integers in three shapes."""
    per_class = np.stack(
        [losses.decoupled_kd([c, c], TEACHER, STUDENT) for c in range(4)], 1
    )
    mixed = np.array([[0.7, 0, 0.3, 0], [0, 1, 0, 0]], "float32")
    smooth = np.full((2, 4), 0.025) + 0.9 * np.eye(4)[LABELS]
    for labels in (mixed, smooth):
        np.testing.assert_allclose(
            losses.decoupled_kd(labels, TEACHER, STUDENT),
            (labels * per_class).sum(1),
            rtol=1e-5,
        )
    expected = per_class[[0, 1], LABELS]
    for labels in (LABELS, LABELS[:, None], np.eye(4)[LABELS], [0.0, 1.0]):
        np.testing.assert_allclose(
            losses.decoupled_kd(labels, TEACHER, STUDENT), expected, rtol=1e-5
        )


def test_without_a_label_there_is_no_target():
    some = np.array([[0, 0, 0, 0], [0, 0.6, 0.4, 0]], "float32")
    values = np.asarray(losses.decoupled_kd(some, TEACHER, STUDENT))
    assert values[0] == 0
    whole = losses.decoupled_kd(some[[1, 1]], TEACHER, STUDENT)
    assert values[1] == pytest.approx(float(whole[1]))


def test_labels_of_another_shape_are_rejected():
    with pytest.raises(ValueError, match=r"\(batch, 4\).*Received.*\(2, 3\)"):
        losses.decoupled_kd(np.ones((2, 3)), TEACHER, STUDENT)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("classes", [2, 5])
def test_stays_finite(temperature, dtype, classes):
    """Gaps of 1000 both ways, ties and flat rows, each class as the label."""
    rows = np.zeros((4, classes))
    rows[0, 0], rows[1, -1], rows[2, :2] = 1000, 1000, 500
    rows = rows.astype(dtype)
    teacher = tf.constant(np.repeat(rows, 4, axis=0))
    student = tf.Variable(np.tile(rows, (4, 1)))
    smooth = np.full((16, classes), 1 / classes)
    for labels in (*(np.full(16, c) for c in range(classes)), smooth):
        with tf.GradientTape() as tape:
            values = losses.decoupled_kd(labels, teacher, student, temperature)
        assert values.dtype == "float32"
        assert np.isfinite(values).all()
        assert (values.numpy() > -1e-2).all()
        assert np.isfinite(tape.gradient(values, student)).all()


def test_two_classes_have_no_non_target_part():
    random = np.random.default_rng(0)
    teacher, student = random.normal(size=(2, 8, 2))
    labels = np.arange(8) % 2
    np.testing.assert_allclose(
        losses.decoupled_kd(labels, teacher, student, alpha=0.0),
        0.0,
        atol=1e-4,
    )


@pytest.mark.parametrize("labels", [LABELS, [1, 3], np.full((2, 4), 0.25)])
def test_gradient(labels):
    check_gradient(lambda s: losses.decoupled_kd(labels, TEACHER, s), STUDENT)


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match="must be positive"):
        losses.decoupled_kd(LABELS, TEACHER, STUDENT, 0.0)
