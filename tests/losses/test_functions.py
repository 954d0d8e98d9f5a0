"""The pure functions, against float64 references and printed vectors."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.contract import finite_difference_check

TEACHER = np.array([[3, 1, 0, -1], [0.5, 2, -1, 0]])
STUDENT = np.array([[1, 2, 0.5, -0.5], [0, 1, 1, -2]])


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def reference_kd(teacher, student, temperature):
    p, q = (
        log_softmax(teacher / temperature),
        log_softmax(student / temperature),
    )
    return temperature**2 * (np.exp(p) * (p - q)).sum(-1)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0, 20.0])
def test_kd(temperature):
    result = losses.kd(TEACHER, STUDENT, temperature)
    assert result.shape == (2,)
    np.testing.assert_allclose(
        result, reference_kd(TEACHER, STUDENT, temperature), rtol=1e-4
    )


def test_kd_vector():
    assert np.mean(losses.kd(TEACHER, STUDENT)) == pytest.approx(
        0.887784, abs=1e-6
    )


def test_kd_is_zero_for_logits_that_differ_by_a_constant():
    np.testing.assert_allclose(
        losses.kd(TEACHER, TEACHER + 3.0), 0.0, atol=1e-5
    )


def test_kd_stays_exact_where_probabilities_vanish():
    """Keras's KLDivergence clips here, to 16.1."""
    teacher, student = np.array([[60.0, 0.0]]), np.array([[0.0, 60.0]])
    assert float(losses.kd(teacher, student, 1.0)[0]) == pytest.approx(60.0)
    assert np.isfinite(losses.kd(teacher * 100, student * 100, 1.0)).all()


def test_kd_of_float16_logits_is_float32():
    result = losses.kd(TEACHER.astype("float16"), STUDENT.astype("float16"))
    assert result.dtype == "float32"
    np.testing.assert_allclose(
        result, reference_kd(TEACHER, STUDENT, 4.0), rtol=1e-3
    )


@pytest.mark.parametrize("temperature", [0, -1.0])
def test_temperature_must_be_positive(temperature):
    for function in (losses.kd, losses.soft_cross_entropy):
        with pytest.raises(ValueError, match="must be positive.*Received"):
            function(TEACHER, STUDENT, temperature)


def test_soft_cross_entropy():
    """KD without T^2, plus the teacher's entropy."""
    p, q = log_softmax(TEACHER / 4), log_softmax(STUDENT / 4)
    result = losses.soft_cross_entropy(TEACHER, STUDENT, 4.0)
    np.testing.assert_allclose(result, -(np.exp(p) * q).sum(-1), rtol=1e-6)
    entropy = -(np.exp(p) * p).sum(-1)
    np.testing.assert_allclose(
        losses.kd(TEACHER, STUDENT) / 16 + entropy, result, rtol=1e-5
    )


def test_logits_l2():
    squared = (TEACHER - STUDENT) ** 2
    np.testing.assert_allclose(
        losses.logits_l2(TEACHER, STUDENT), squared.mean(-1), rtol=1e-6
    )
    np.testing.assert_allclose(
        losses.logits_l2(TEACHER, STUDENT, "sum"), squared.sum(-1), rtol=1e-6
    )
    with pytest.raises(ValueError, match="mean, sum.*'max'"):
        losses.logits_l2(TEACHER, STUDENT, "max")


def reference_map(features, mapping):
    magnitude = np.abs(features.astype("float64"))
    energy = {
        "sum": lambda: magnitude.sum(-1),
        "sum2": lambda: (magnitude**2).sum(-1),
        "sum4": lambda: (magnitude**4).sum(-1),
        "max2": lambda: (magnitude**2).max(-1),
    }[mapping]()
    flat = energy.reshape(len(energy), -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


@pytest.mark.parametrize("mapping", ["sum", "sum2", "sum4", "max2"])
def test_attention_map(mapping):
    x = np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype("float32")
    result = losses.attention_map(x, mapping)
    assert result.shape == (3, 20)
    np.testing.assert_allclose(result, reference_map(x, mapping), rtol=2e-5)
    for factor in (1e-6, 7.0, 1e10):
        np.testing.assert_allclose(
            losses.attention_map((factor * x).astype("float32"), mapping),
            result,
            rtol=1e-4,
            atol=1e-7,
        )


@pytest.mark.parametrize(
    ("mapping", "distance", "mean_square"),
    [
        ("sum", 0.732223, 0.134037),
        ("sum2", 0.983995, 0.242062),
        ("sum4", 1.306320, 0.426618),
        ("max2", 1.047643, 0.274389),
    ],
)
def test_attention_transfer_vectors(mapping, distance, mean_square):
    teacher = np.stack([[[1, -2], [0, 3]], [[2, 1], [-1, 0]]], -1)[None]
    student = np.stack([[[0, 1], [1, 1]], [[1, 0], [2, 1]]], -1)[None]
    for norm, expected in (("l2", distance), ("mse", mean_square)):
        result = losses.attention_transfer(teacher, student, mapping, norm)
        assert float(result[0]) == pytest.approx(expected, abs=1e-6)


def test_attention_transfer_pools_the_larger_map():
    random = np.random.default_rng(1)
    teacher = random.normal(size=(2, 8, 8, 6)).astype("float32")
    student = random.normal(size=(2, 4, 4, 3)).astype("float32")
    pooled = teacher.reshape(2, 4, 2, 4, 2, 6).mean((2, 4))
    np.testing.assert_allclose(
        losses.attention_transfer(teacher, student),
        losses.attention_transfer(pooled, student),
        rtol=1e-5,
    )


def test_attention_transfer_is_differentiable_where_maps_agree():
    x = tf.Variable(np.random.default_rng(2).normal(size=(1, 3, 3, 2)))
    for start in (x, tf.Variable(tf.zeros_like(x))):
        with tf.GradientTape() as tape:
            loss = losses.attention_transfer(start, start)
        assert np.isfinite(tape.gradient(loss, start)).all()
        np.testing.assert_allclose(loss, 0.0)


def test_attention_names_are_checked():
    x = np.ones((1, 2, 2, 1))
    with pytest.raises(ValueError, match="sum, sum2, sum4, max2.*'mean'"):
        losses.attention_map(x, "mean")
    with pytest.raises(ValueError, match="l2, mse.*'l1'"):
        losses.attention_transfer(x, x, norm="l1")


@pytest.mark.parametrize(
    "function",
    [
        losses.kd,
        losses.soft_cross_entropy,
        losses.logits_l2,
    ],
)
def test_logit_gradients(function):
    finite_difference_check(
        lambda s: tf.reduce_sum(function(TEACHER, s)), STUDENT
    )


@pytest.mark.parametrize("mapping", ["sum", "sum2", "sum4", "max2"])
@pytest.mark.parametrize("norm", ["l2", "mse"])
def test_attention_gradients(mapping, norm):
    random = np.random.default_rng(3)
    teacher = random.normal(size=(2, 3, 3, 4)).astype("float32")
    finite_difference_check(
        lambda s: tf.reduce_sum(
            losses.attention_transfer(teacher, s, mapping, norm)
        ),
        random.normal(size=(2, 3, 3, 4)),
    )
