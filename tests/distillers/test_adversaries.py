"""Adversaries of multi-stage distillation: their losses, steps, failures."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.distillers.adversaries import (
    FeatureScore,
    adversary_incidents,
    judge_adversaries,
)
from keras_artkd.distillers.phases import BLOCK
from keras_artkd.losses.adversarial import discriminator_loss, generator_loss
from tests.distillers.networks import batch, normalised, same
from tests.distillers.staged import SIZE, enter, fit, make


def test_losses_of_adversaries():
    random = np.random.default_rng(0)
    real, fake = random.standard_normal((2, 6)).astype("float32")
    np.testing.assert_allclose(
        discriminator_loss(real, fake),
        ((real - 1) ** 2 + fake**2) / 2,
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        generator_loss(fake), (fake - 1) ** 2 / 2, rtol=1e-5
    )
    half = np.full(3, 0.5, "float32")
    np.testing.assert_allclose(discriminator_loss(half, half), 0.25)


def test_scores():
    score = FeatureScore()
    maps = np.random.default_rng(0).uniform(size=(3, 4, 4, 5))
    score.build(maps.shape)
    kernel, bias = map(np.array, score.variables)
    expected = maps.mean((1, 2)) @ kernel + bias
    np.testing.assert_allclose(score(maps), expected, rtol=1e-4)
    np.testing.assert_allclose(score(maps, detached=True), expected, rtol=1e-4)


def test_one_step_of_an_adversary_is_adams():
    """The first step of Adam, of the adversary's own loss alone."""
    distiller = make(adversary_learning_rate=0.01)
    enter(distiller, BLOCK, 1)
    images, labels = batch(SIZE)
    score = distiller.scores[0]
    before = [np.array(v) for v in score.trainable_variables]
    with tf.GradientTape() as tape:
        endpoints = distiller(images, training=True)
        judged = endpoints["student"]["judged"][1]
        real = endpoints["taught"]["features"]
        loss = tf.reduce_mean(
            ((score(real) - 1) ** 2 + score(tf.stop_gradient(judged)) ** 2) / 2
        )
    found = tape.gradient(loss, [v.value for v in score.trainable_variables])
    distiller.train_step((images, labels))
    for old, gradient, new in zip(
        before, found, score.trainable_variables, strict=True
    ):
        moved = np.array(gradient) * 0.001**0.5
        moved = 0.01 * moved / (np.abs(moved) + 1e-7)
        np.testing.assert_allclose(np.array(new), old - moved, atol=1e-5)


def test_adversaries_of_half_precision():
    distiller = make(
        student=lambda: normalised(dtype="mixed_float16"),
        adversary_learning_rate=0.01,
    )
    before = [np.array(v) for v in distiller.scores[0].variables]
    enter(distiller, BLOCK, 1)
    distiller.train_step(batch(SIZE))
    after = [np.array(v) for v in distiller.scores[0].variables]
    for old, new in zip(before, after, strict=True):
        # Adam's first step, whatever the scale of the loss.
        np.testing.assert_allclose(np.abs(new - old), 0.01, rtol=1e-2)


def test_gradients_that_overflow_change_nothing():
    distiller = make(student=lambda: normalised(dtype="mixed_float16"))
    enter(distiller, BLOCK, 1)
    distiller.train_step(batch(SIZE))
    variables = distiller.variables_to_train
    known = distiller.adversary_optimizer.variables
    slots = [v for v in known if len(v.shape) > 0]
    before = [np.array(v) for v in (*variables, *slots)]
    infinite = [tf.fill(v.shape, float("inf")) for v in variables]
    distiller.apply_gradients(infinite, variables)
    assert same([np.array(v) for v in (*variables, *slots)], before)


def test_judgement():
    logs = {
        "discriminator1": 0.2,
        "discriminator2": 0.005,
        "discriminator3": 11.0,
        "discriminator4": float("nan"),
        "discriminator5": None,
        "generator1": 0.0,
    }
    assert judge_adversaries(logs) == {
        2: "collapsed",
        3: "exploded",
        4: "exploded",
    }


def test_incidents():
    history = {
        "stage": [1.0, 1.0, 2.0],
        "discriminator1": [0.001, 0.002, None],
        "discriminator2": [None, 0.3, 20.0],
        "loss": [1.0, 1.0, 1.0],
    }
    assert adversary_incidents(history) == [
        {
            "stage": 1,
            "block": 1,
            "state": "collapsed",
            "first_epoch": 1,
            "epochs": 2,
        },
        {
            "stage": 2,
            "block": 2,
            "state": "exploded",
            "first_epoch": 3,
            "epochs": 1,
        },
    ]
    assert adversary_incidents({"loss": [1.0]}) == []


def test_a_collapsed_adversary_is_named():
    distiller = make()
    enter(distiller, BLOCK, 2)
    with pytest.warns(UserWarning, match="Adversary 2 collapsed in epoch 4"):
        distiller.end_epoch(3, {"discriminator2": 0.0})
    with pytest.warns(UserWarning, match="Adversary 2 exploded.*loss is 12"):
        distiller.end_epoch(3, {"discriminator2": 12.0})
    with pytest.raises(ValueError, match="Adversary 2.*stage 1, block 2"):
        distiller.end_epoch(3, {"discriminator2": float("nan")})
    # The student's own fault.
    nan = float("nan")
    distiller.end_epoch(3, {"discriminator2": nan, "supervised": nan})


def test_an_adversary_that_explodes_ends_the_training():
    distiller = make(adversary_learning_rate=1e30)
    with pytest.raises(ValueError, match="Adversary 1 exploded"):
        fit(distiller, 20)
