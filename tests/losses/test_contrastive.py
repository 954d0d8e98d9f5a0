"""CRD: its NCE loss, and the queues it takes negatives from."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.losses.contract import (
    check_connectors,
    check_gradient,
    check_loss_layer,
    check_training,
    gradients,
)
from tests.losses.networks import make_batch, make_distiller


def make():
    return losses.ContrastiveRepresentation(8, num_negatives=24)


def test_layer():
    check_loss_layer(
        losses.ContrastiveRepresentation,
        "contrastive_representation",
        embedding_dim=16,
        num_negatives=8,
        temperature=0.5,
        pair=("a", "b"),
    )


def test_projections():
    check_connectors(make)


def test_training(tmp_path):
    check_training(make, tmp_path)


def reference(anchors, positives, negatives, counted, log_scale):
    """The authors' products of probabilities, an anchor at a time."""
    result = []
    for anchor, positive, mask in zip(anchors, positives, counted, strict=True):
        noise = mask.sum() * np.exp(log_scale)
        score = np.exp(anchor @ positive)
        loss = -np.log(score / (score + noise))
        for negative in negatives[mask]:
            loss -= np.log(noise / (np.exp(anchor @ negative) + noise))
        result.append(loss)
    return np.array(result)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def vectors(seed=0):
    random = np.random.default_rng(seed)
    anchors, positives = random.normal(size=(2, 5, 8))
    counted = random.uniform(size=(5, 12)) > 0.3
    return anchors, positives, random.normal(size=(12, 8)), counted


def test_equals_the_definition():
    for log_scale in (0.0, 1.5):
        result = losses.noise_contrastive(*vectors(), log_scale)
        assert result.shape == (5,)
        np.testing.assert_allclose(
            result, reference(*vectors(), log_scale), rtol=1e-4
        )


def test_gradient_and_extremes():
    anchors, positives, negatives, counted = vectors()
    check_gradient(
        lambda a: losses.noise_contrastive(a, positives, negatives, counted),
        anchors,
    )
    nothing = np.zeros_like(counted)
    for mask in (counted, nothing):
        function = partial(
            losses.noise_contrastive,
            positives=positives,
            negatives=negatives,
            counted=mask,
        )
        assert np.isfinite(function(1e4 * anchors)).all()
        assert np.isfinite(gradients(function, 1e4 * anchors)[0]).all()


def features(seed, batch=6):
    random = np.random.default_rng(seed)
    return {"features": random.normal(size=(batch, 10)).astype("float32")}


def test_layer_equals_the_definition_over_two_batches():
    """Negatives are earlier vectors of other classes, not of this batch."""
    loss = losses.ContrastiveRepresentation(8, 20, temperature=0.1)
    labels = np.array([0, 1, 2, 0, 1, 2])
    loss(labels, features(0), features(1))
    scales = loss.log_scales.numpy()
    assert scales[2] == 1.0
    queues = [
        queue.numpy()
        for queue in (loss.teacher_queue, loss.student_queue, loss.label_queue)
    ]
    result = loss(labels, features(2), features(3))
    np.testing.assert_array_equal(loss.log_scales, scales)

    def project(layer, rows):
        kernel, bias = layer.get_weights()
        return unit(rows["features"] @ kernel + bias)

    teacher = project(loss.teacher_projection, features(2))
    student = project(loss.student_projection, features(3))
    counted = labels[:, None] != queues[2][None]
    assert counted.sum(1).tolist() == [18] * 6
    expected = reference(
        student / 0.1, teacher, queues[0], counted, scales[0]
    ) + reference(teacher / 0.1, student, queues[1], counted, scales[1])
    np.testing.assert_allclose(result, expected, rtol=1e-3)
    np.testing.assert_allclose(loss.teacher_queue[:6], teacher, atol=1e-5)
    np.testing.assert_allclose(loss.student_queue[:6], student, atol=1e-5)
    np.testing.assert_array_equal(loss.teacher_queue[6:], queues[0][:14])
    np.testing.assert_array_equal(loss.label_queue[:6], labels)


def test_noise_is_scaled_by_the_first_batch():
    loss = losses.ContrastiveRepresentation(8, 20, temperature=0.1)
    specs = {"features": keras.KerasTensor((None, 10))}
    loss(keras.KerasTensor((None,), "int32"), specs, specs)
    np.testing.assert_array_equal(loss.log_scales, 0.0)
    before = loss.teacher_queue.numpy()
    assert not np.array_equal(before, loss.student_queue)
    loss(np.zeros(6, int), features(0), features(1))
    kernel, bias = loss.student_projection.get_weights()
    student = unit(features(1)["features"] @ kernel + bias)
    expected = np.log(np.exp(student @ before.T / 0.1).mean())
    assert float(loss.log_scales[0]) == pytest.approx(expected, rel=1e-4)


def test_batches_longer_than_the_queue_and_mixed_labels():
    loss = losses.ContrastiveRepresentation(8, num_negatives=4)
    labels = np.eye(3)[[0, 1, 2, 0, 1, 2]] * 0.8 + 0.05
    values = loss(labels, features(0), features(1))
    assert values.shape == (6,)
    np.testing.assert_array_equal(loss.label_queue, [0, 1, 2, 0])


def test_images_without_a_label_are_no_negatives_of_each_other():
    loss = losses.ContrastiveRepresentation(8, num_negatives=4)
    labels = np.array([[0, 1, 0], [0, 0, 0]], "float32")
    endpoints = [{"features": np.eye(2, 6, dtype="float32")}] * 2
    assert np.isfinite(loss(labels, *endpoints)).all()
    np.testing.assert_array_equal(loss.label_queue, [1, -1, -1, -1])


def test_arguments_are_checked():
    for arguments, name in (
        ({"num_negatives": 0}, "num_negatives"),
        ({"embedding_dim": 0}, "embedding_dim"),
        ({"temperature": 0.0}, "temperature"),
    ):
        with pytest.raises(ValueError, match=f"`{name}`.*Received"):
            losses.ContrastiveRepresentation(**arguments)


def test_vectors_of_one_image_come_together():
    """Trained alone, both networks tell an image from the others."""
    loss = losses.ContrastiveRepresentation(8, 24, temperature=0.2)
    distiller = make_distiller(loss, weight=0.1)
    distiller.optimizer.learning_rate.assign(0.05)
    images, labels = make_batch(24)
    logs = distiller.fit(images, labels, batch_size=8, epochs=12, verbose=0)
    history = logs.history[loss.name]
    assert history[-1] < history[0]


def test_on_two_replicas_queues_have_one_replicas_vectors():
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    with strategy.scope():
        distiller = make_distiller(losses.ContrastiveRepresentation(8, 12))
    images, labels = make_batch(8)
    distiller.fit(images, labels, batch_size=8, shuffle=False, verbose=0)
    loss = distiller.transfer_losses[0]
    np.testing.assert_array_equal(loss.label_queue[:4], labels[:4])
    assert (loss.label_queue.numpy()[4:] == -1).all()
    norms = np.linalg.norm(loss.student_queue[:4], axis=1)
    np.testing.assert_allclose(norms, 1.0, rtol=1e-5)
