"""Attention transfer."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
)

MAPPINGS = {
    "sum": lambda x: np.abs(x).sum(-1),
    "sum2": lambda x: (x**2).sum(-1),
    "sum4": lambda x: (x**4).sum(-1),
    "max2": lambda x: (x**2).max(-1),
}


def reference_map(features, mapping):
    flat = MAPPINGS[mapping](features).reshape(len(features), -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def maps(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_layer():
    check_loss_layer(
        losses.AttentionTransfer,
        "attention_transfer",
        pairs=(("a", "b"),),
        mapping="sum",
        norm="mse",
    )


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_attention_map(mapping):
    x = maps(0, 3, 4, 5, 6)
    check_definition(
        lambda x: losses.attention_map(x, mapping),
        lambda x: reference_map(x, mapping),
        x,
        rtol=2e-5,
    )
    result = losses.attention_map(x, mapping)
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
def test_vectors(mapping, distance, mean_square):
    teacher = np.stack([[[1, -2], [0, 3]], [[2, 1], [-1, 0]]], -1)[None]
    student = np.stack([[[0, 1], [1, 1]], [[1, 0], [2, 1]]], -1)[None]
    for norm, expected in (("l2", distance), ("mse", mean_square)):
        result = losses.attention_transfer(teacher, student, mapping, norm)
        assert float(result[0]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("norm", ["l2", "mse"])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_definition_and_gradient(mapping, norm):
    def reference(teacher, student):
        apart = reference_map(teacher, mapping) - reference_map(
            student, mapping
        )
        if norm == "mse":
            return (apart**2).mean(-1)
        return np.linalg.norm(apart, axis=-1)

    teacher, student = maps(3, 2, 3, 3, 4), maps(4, 2, 3, 3, 4)
    check_definition(
        lambda t, s: losses.attention_transfer(t, s, mapping, norm),
        reference,
        teacher,
        student,
    )
    check_gradient(
        lambda s: losses.attention_transfer(teacher, s, mapping, norm), student
    )


def test_the_larger_map_is_pooled():
    teacher, student = maps(1, 2, 8, 8, 6), maps(2, 2, 4, 4, 3)
    pooled = teacher.reshape(2, 4, 2, 4, 2, 6).mean((2, 4))
    np.testing.assert_allclose(
        losses.attention_transfer(teacher, student),
        losses.attention_transfer(pooled, student),
        rtol=1e-5,
    )


def test_is_differentiable_where_maps_agree():
    x = tf.Variable(maps(2, 1, 3, 3, 2))
    for start in (x, tf.Variable(tf.zeros_like(x))):
        with tf.GradientTape() as tape:
            loss = losses.attention_transfer(start, start)
        assert np.isfinite(tape.gradient(loss, start)).all()
        np.testing.assert_allclose(loss, 0.0)


def test_layer_sums_over_pairs():
    teacher = {"a": maps(1, 2, 4, 4, 3)}
    student = {"b": maps(2, 2, 4, 4, 5), "c": teacher["a"]}
    layer = losses.AttentionTransfer(pairs=[("a", "b"), ("a", "c")])
    assert layer.teacher_endpoints == ("a", "a")
    assert layer.student_endpoints == ("b", "c")
    np.testing.assert_allclose(
        layer(np.zeros(2), teacher, student),
        losses.attention_transfer(teacher["a"], student["b"]),
        atol=1e-6,
    )


def test_names_are_checked():
    x = np.ones((1, 2, 2, 1))
    with pytest.raises(ValueError, match="sum, sum2, sum4, max2.*'mean'"):
        losses.attention_map(x, "mean")
    with pytest.raises(ValueError, match="l2, mse.*'l1'"):
        losses.attention_transfer(x, x, norm="l1")
    with pytest.raises(ValueError, match="sum, sum2, sum4, max2.*'mean'"):
        losses.AttentionTransfer(mapping="mean")
    with pytest.raises(ValueError, match="l2, mse.*'l1'"):
        losses.AttentionTransfer(norm="l1")
