"""Features through projectors, pooled and position by position."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.losses.contract import (
    check_connectors,
    check_connectors_learn,
    check_definition,
    check_gradient,
    check_loss_layer,
    check_training,
)
from tests.losses.networks import sample
from tests.losses.reference import reference_divergence
from tests.losses.samples import sample_call

LAYERS = (losses.PooledSimilarity, losses.SpatialSimilarity)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def reference_pooled(teacher, student, bank, temperature):
    teacher, student, bank = map(unit, (teacher, student, bank))
    return reference_divergence(teacher @ bank.T, student @ bank.T, temperature)


def reference_spatial(teacher, student, temperature):
    """Image by image and position by position."""
    values = []
    for one, other in zip(teacher, student, strict=True):
        rows = [unit(x.reshape(-1, x.shape[-1])) for x in (one, other)]
        near = [[[p @ q for q in x] for p in x] for x in rows]
        each = reference_divergence(*map(np.array, near), temperature)
        values.append(each.mean())
    return np.array(values)


def vectors(*sizes, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=(size, 6)) for size in sizes]


def maps(*channels, side=3, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=(4, side, side + 1, c)) for c in channels]


def test_layers():
    shared = {"temperature": 0.1, "pair": ("a", "b")}
    check_loss_layer(
        losses.PooledSimilarity, "pooled_similarity", queue=5, **shared
    )
    check_loss_layer(losses.SpatialSimilarity, "spatial_similarity", **shared)


@pytest.mark.parametrize("temperature", [0.07, 0.3])
def test_equal_the_definitions(temperature):
    for function, reference, inputs in (
        (losses.pooled_similarity, reference_pooled, vectors(5, 5, 9)),
        (losses.spatial_similarity, reference_spatial, maps(6, 3)),
    ):
        check_definition(
            functools.partial(function, temperature=temperature),
            functools.partial(reference, temperature=temperature),
            *inputs,
            rtol=1e-4,
            atol=1e-5,
        )


def test_gradients():
    teacher, student, bank = vectors(5, 5, 9)
    check_gradient(
        lambda s: losses.pooled_similarity(teacher, s, bank, 0.3), student
    )
    taught, learnt = maps(6, 3)
    check_gradient(lambda s: losses.spatial_similarity(taught, s, 0.3), learnt)


def test_equal_features_have_nothing_to_learn():
    """Neither has a scale, an image's or a position's own."""
    teacher, scales, bank = vectors(5, 5, 9)
    (taught,) = maps(6)
    factors = np.abs(scales[:, :1]) + 0.1
    for value in (
        losses.pooled_similarity(teacher, factors * teacher, bank),
        losses.spatial_similarity(taught, (1 + taught[..., :1] ** 2) * taught),
    ):
        np.testing.assert_allclose(value, 0, atol=1e-5)
    assert np.min(losses.pooled_similarity(*vectors(5, 5, 9))) > 0.1
    assert np.min(losses.spatial_similarity(*maps(6, 3))) > 0.1


def test_features_of_zeros_are_near_to_nothing():
    zeros = np.zeros((2, 6))
    value = losses.pooled_similarity(zeros, zeros, np.zeros((9, 6)))
    np.testing.assert_array_equal(value, 0)
    shape = (2, 3, 3, 6)
    value = losses.spatial_similarity(np.zeros(shape), np.ones(shape))
    np.testing.assert_allclose(value, 0, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_projectors(layer):
    check_connectors(layer)
    check_connectors_learn(layer, steps=20)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_students_features_are_projected(layer):
    """As a 1x1 convolution is, here in NumPy; equal ones have no loss."""
    labels, teacher, _ = sample()
    loss = layer(queue=8) if layer is LAYERS[0] else layer()
    same = {"features": teacher["features"]}
    loss(labels, teacher, same)
    channels = teacher["features"].shape[-1]
    loss.projector.set_weights([np.eye(channels), np.zeros(channels)])
    np.testing.assert_allclose(loss(labels, teacher, same), 0, atol=1e-5)

    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(channels, channels)), np.ones(channels)
    loss.projector.set_weights([kernel, bias])
    taught = np.array(teacher["features"], "float64")
    learnt = taught @ kernel + bias
    if layer is LAYERS[0]:
        pooled = [x.mean((1, 2)) for x in (taught, learnt)]
        expected = reference_pooled(*pooled, pooled[0], 0.07)
    else:
        expected = reference_spatial(taught, learnt, 0.07)
    np.testing.assert_allclose(
        loss(labels, teacher, same), expected, rtol=1e-3, atol=1e-4
    )


def linear(side, channels):
    """Maps that rise by rows and columns, seen at so many positions."""
    at = (np.arange(side) + 0.5) / side
    rows, columns = np.meshgrid(at, at, indexing="ij")
    slopes = np.arange(2.0 * channels).reshape(2, 1, 1, channels)
    return (slopes[0] * rows[..., None] + slopes[1] * columns[..., None])[None]


def test_a_map_is_interpolated_at_the_teachers_positions():
    """What is linear between positions stays so, away from the border."""
    loss = losses.SpatialSimilarity()
    teacher, student = {"features": linear(4, 3)}, {"features": linear(8, 3)}
    teacher["features"] += 1.0
    student["features"] += 1.0
    loss(np.zeros(1, "int32"), teacher, student)
    loss.projector.set_weights([np.eye(3), np.zeros(3)])
    value = loss(np.zeros(1, "int32"), teacher, student)
    np.testing.assert_allclose(value, 0, atol=1e-5)
    # Enlarged, the border repeats.
    other = {"features": linear(2, 3) + 1.0}
    assert loss(np.zeros(1, "int32"), teacher, other) > 1e-4


def test_the_bank_has_the_latest_batches():
    loss = losses.PooledSimilarity(queue=5)
    seen = []
    for seed in range(3):
        labels, teacher, student = sample_call(loss, seed=seed)
        loss(labels, teacher, student)
        seen.insert(0, unit(teacher["features"].mean((1, 2))))
        expected = np.concatenate([*seen, np.zeros((5, 2))])[:5]
        np.testing.assert_allclose(loss.bank, expected, rtol=1e-5)
    short = losses.PooledSimilarity(queue=2)
    short(labels, teacher, student)
    np.testing.assert_allclose(short.bank, seen[0][:2], rtol=1e-5)


def test_no_gradient_reaches_the_bank():
    """A co-trained teacher gets none through it, whatever it is asked."""
    loss = losses.PooledSimilarity(queue=4)
    labels, teacher, student = sample_call(loss)
    features = tf.Variable(teacher["features"])
    loss(labels, {"features": features}, student)
    with tf.GradientTape() as tape:
        before = loss.bank + 0.0
        loss(labels, {"features": tf.stop_gradient(features)}, student)
        total = tf.reduce_sum(loss.bank + before)
    assert tape.gradient(total, features) is None


@pytest.mark.parametrize("layer", LAYERS)
def test_training(layer, tmp_path):
    check_training(layer, tmp_path)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`queue` must be at least 1"):
        losses.PooledSimilarity(queue=0)
    for layer in LAYERS:
        with pytest.raises(ValueError, match="`temperature` must be positive"):
            layer(temperature=0)
    loss = losses.SpatialSimilarity(pair=("logits", "features"))
    with pytest.raises(ValueError, match=r"needs feature maps.*logits"):
        loss(*sample_call(loss))
