"""Perception reconstruction, alone and before the two distillation losses."""

import keras
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

TEACHER = np.array(
    [[3, 1, 0, -1], [0.5, 2, -1, 0], [1, -1, 2, 0], [0, 0, 1, 3]]
)
STUDENT = np.array(
    [[1, 2, 0.5, -0.5], [0, 1, 1, -2], [2, 0, 1, 0], [-1, 0.5, 0, 1]]
)
LABELS = np.arange(4)


def reference(logits, epsilon=1e-5):
    return (logits - logits.mean(0)) / np.sqrt(logits.var(0) + epsilon)


def test_layers():
    check_loss_layer(
        losses.PerceptionKD,
        "perception_kd",
        temperature=2.0,
        epsilon=1e-3,
        synchronized=True,
    )
    check_loss_layer(
        losses.PerceptionDecoupledKD,
        "perception_decoupled_kd",
        temperature=2.0,
        alpha=0.5,
        beta=2.0,
        epsilon=1e-3,
        synchronized=True,
    )


def test_perception():
    logits = np.random.default_rng(0).normal(3, 5, (32, 10))
    for epsilon in (1e-5, 0.5):
        check_definition(
            lambda x, e=epsilon: losses.perception(x, e),
            lambda x, e=epsilon: reference(x, e),
            logits,
            rtol=1e-4,
            atol=1e-5,
        )


def test_vectors():
    teacher, student = {"logits": TEACHER}, {"logits": STUDENT}
    value = losses.PerceptionKD()(LABELS, teacher, student)
    assert np.mean(value) == pytest.approx(0.480279, abs=1e-5)
    for alpha, beta, expected in (
        (1, 0, 0.228677),
        (0, 1, 0.390374),
        (1, 8, 3.351668),
    ):
        layer = losses.PerceptionDecoupledKD(alpha=alpha, beta=beta)
        value = layer(LABELS, teacher, student)
        assert value.shape == (4,)
        assert np.mean(value) == pytest.approx(expected, abs=1e-5)


def test_invariant_to_positive_affine_maps_of_each_class():
    scale, offset = np.array([2, 5, 10, 1]), np.array([-3, 0, 100, 7])
    np.testing.assert_allclose(
        losses.perception(TEACHER * scale + offset),
        losses.perception(TEACHER),
        atol=2e-5,
    )


def test_of_few_or_constant_examples():
    np.testing.assert_allclose(
        losses.perception([[5.0, 2.0], [1.0, 2.0]]),
        [[1, 0], [-1, 0]],
        atol=1e-5,
    )
    np.testing.assert_array_equal(losses.perception([[5.0, 2.0]]), 0.0)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_finite_at_large_logits(dtype):
    layer = losses.PerceptionDecoupledKD(temperature=1.0)
    logits = (1000 * TEACHER).astype(dtype)
    for labels in (LABELS, np.full((4, 4), 0.25)):

        def value(x, labels=labels):
            return layer(labels, {"logits": STUDENT}, {"logits": x})

        assert np.isfinite(value(logits)).all()
        assert np.isfinite(gradients(value, logits, dtype=dtype)[0]).all()


def test_gradient_passes_through_the_statistics():
    layer = losses.PerceptionDecoupledKD()
    check_gradient(
        lambda s: layer(LABELS, {"logits": TEACHER}, {"logits": s}), STUDENT
    )


def test_epsilon_must_be_positive():
    for make in (
        lambda: losses.perception(TEACHER, 0.0),
        lambda: losses.PerceptionKD(epsilon=0.0),
        lambda: losses.PerceptionDecoupledKD(epsilon=-1.0),
    ):
        with pytest.raises(ValueError, match="`epsilon`.*Received"):
            make()


def on_two_replicas(synchronized):
    """Values and gradient on two replicas of half a batch each."""
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    with strategy.scope():
        layer = losses.PerceptionKD(synchronized=synchronized)
        layer(*symbolic())

    def step(teacher, student):
        with tf.GradientTape() as tape:
            tape.watch(student)
            values = layer(None, {"logits": teacher}, {"logits": student})
            total = tf.reduce_sum(values)
        return values, tape.gradient(total, student)

    def half(context):
        part = slice(2 * context.replica_id_in_sync_group, None)
        return (
            tf.constant(TEACHER[part][:2], "float32"),
            tf.constant(STUDENT[part][:2], "float32"),
        )

    @tf.function
    def run(teacher, student):
        return strategy.run(step, (teacher, student))

    teacher, student = (
        strategy.experimental_distribute_values_from_function(
            lambda context, i=i: half(context)[i]
        )
        for i in (0, 1)
    )
    results = run(teacher, student)
    return [
        np.concatenate(strategy.experimental_local_results(result))
        for result in results
    ]


def symbolic():
    logits = keras.KerasTensor((None, 4))
    labels = keras.KerasTensor((None,), "int32")
    return labels, {"logits": logits}, {"logits": logits}


def whole(rows=slice(None)):
    student = tf.Variable(STUDENT[rows], dtype="float32")
    with tf.GradientTape() as tape:
        values = losses.PerceptionKD()(
            None, {"logits": TEACHER[rows]}, {"logits": student}
        )
        total = tf.reduce_sum(values)
    return [values.numpy(), tape.gradient(total, student).numpy()]


def test_statistics_of_each_replica_or_of_all():
    """Values and gradients equal those of the halves, or of the whole."""
    halves = [
        np.concatenate(pair)
        for pair in zip(whole(slice(2)), whole(slice(2, 4)), strict=True)
    ]
    for synchronized, expected in ((False, halves), (True, whole())):
        result = on_two_replicas(synchronized)
        for a, b in zip(result, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert not np.allclose(halves[0], whole()[0])
