"""Learning rate, weight decay and batches of a training."""

import keras
import numpy as np
import pytest

from keras_artkd.runs.optimizer import (
    cosine_rate,
    evaluation_batch_size,
    make_adamw,
    make_optimizer,
    plateau_ends,
    set_weight_decay,
)
from tests.distillers.networks import plain


def test_learning_rate_drops_at_the_thesis_epochs():
    """0.01, times 0.2 after epochs 60 and 120 of 200, ten steps each."""
    optimizer = make_optimizer(0.01, 2000)
    observed = []
    for step in (0, 599, 600, 1199, 1200, 1999):
        optimizer.iterations.assign(step)
        observed.append(float(optimizer.learning_rate))
    np.testing.assert_allclose(
        observed, [0.01, 0.01, 0.002, 0.002, 0.0004, 0.0004], rtol=1e-5
    )
    constant = make_optimizer(0.1, 9, drops=())
    assert float(constant.learning_rate) == pytest.approx(0.1)


def test_cosine():
    """Half a cosine, in NumPy, with and without a rise before."""
    steps = np.array([0, 25, 50, 75, 100])
    rate = cosine_rate(0.1, 100)
    np.testing.assert_allclose(
        [float(rate(step)) for step in steps],
        0.05 * (1 + np.cos(np.pi * steps / 100)),
        atol=1e-7,
    )
    risen = cosine_rate(0.1, 100, warmup=0.2)
    expected = [0.0, 0.05, 0.1, 0.05, 0.0]
    np.testing.assert_allclose(
        [float(risen(step)) for step in (0, 10, 20, 60, 100)],
        expected,
        atol=1e-7,
    )


def test_adamw_decays_kernels_alone():
    model = plain(normalised=True)
    optimizer = make_adamw(0.1, weight_decay=0.5)
    optimizer.build(model.trainable_variables)
    before = [np.array(v) for v in model.trainable_variables]
    zeros = [np.zeros(v.shape) for v in model.trainable_variables]
    optimizer.apply(zeros, model.trainable_variables)
    for old, variable in zip(before, model.trainable_variables, strict=True):
        factor = 0.95 if variable.path.endswith("kernel") else 1.0
        np.testing.assert_allclose(variable, factor * old, rtol=1e-5)


def test_gradients_are_clipped_together():
    for optimizer in (
        make_optimizer(1.0, 9, drops=(), momentum=0.0, clip_norm=1.0),
        make_adamw(1.0, 0.0, clip_norm=1.0),
    ):
        assert optimizer.global_clipnorm == 1.0


def test_weight_decay_is_pytorchs():
    """Three steps of SGD with coupled decay, in NumPy.

    g = dL/dw + wd * w;  v = 0.9 v + g;  w = w - lr * v, with L = sum(w).
    """
    rate, decay = 0.1, 0.5
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layer(inputs))
    set_weight_decay(model, decay)
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9),
        loss=lambda y, p: keras.ops.sum(p, axis=-1),
        run_eagerly=True,
    )
    x = np.ones((1, 2), "float32")
    model.fit(x, np.zeros(1), epochs=3, verbose=0)
    weight, velocity = 1.0, 0.0
    for _ in range(3):
        velocity = 0.9 * velocity + 1.0 + decay * weight
        weight -= rate * velocity
    np.testing.assert_allclose(layer.kernel, weight, rtol=1e-5)


def test_weight_decay_reaches_every_weight_and_can_be_lifted():
    model = plain(normalised=True)
    set_weight_decay(model, 5e-4)
    assert len(model.losses) == len(model.trainable_variables)
    set_weight_decay(model, 0.0)
    assert not model.losses


@pytest.mark.parametrize(
    ("count", "batch_size", "replicas", "expected"),
    [
        (290, 128, 1, 128),
        (5, 8, 1, 5),
        # 17 = 2 * 8 + 1 would leave the second of two without an image.
        (17, 8, 2, 6),
        (16, 8, 2, 8),
        (13, 8, 2, 8),
        (2, 8, 2, 2),
    ],
)
def test_evaluation_batches_leave_no_replica_empty(
    count, batch_size, replicas, expected
):
    assert evaluation_batch_size(count, batch_size, replicas) == expected


def test_too_few_images_for_the_replicas():
    with pytest.raises(ValueError, match="1 images, 2 replicas"):
        evaluation_batch_size(1, 8, 2)


def test_plateaus_end_where_the_rate_drops():
    assert plateau_ends(200, (0.3, 0.6, 0.8)) == [60, 120, 160, 200]
    assert plateau_ends(240, (150 / 240, 180 / 240, 210 / 240)) == [
        *(150, 180, 210),
        240,
    ]
    assert plateau_ends(10, ()) == [10]
    # The rate drops within epoch 8.
    assert plateau_ends(25, (0.3, 0.6)) == [7, 15, 25]
    # So short that two plateaus end with one epoch.
    assert plateau_ends(2, (0.3, 0.6, 0.8)) == [1, 2]
