"""Two replicas of half a batch take the step of one with the whole."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.data.augment import Rotations
from keras_artkd.distillers import build
from keras_artkd.models import with_rotations
from keras_artkd.runs.optimizer import evaluation_batch_size, set_weight_decay
from tests.distillers.networks import (
    CLASSES,
    assert_same_changes,
    batch,
    normalised,
    plain,
)

WHOLE = 8


@functools.cache
def two_replicas():
    """One strategy for all tests: collectives of several would collide."""
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        # Between logical devices of one process nothing need be collective.
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def train(method, make, strategy, options, stages=None, whole=WHOLE, **fit):
    """A few steps, eagerly on one device, in a graph on two.

    Args:
        method: str.
        make: function that makes each network.
        strategy: of two replicas, or None for one device.
        options: dict of the method's options.
        stages: int, of the expert, for a method in phases.
        whole: int, images of a batch.
        **fit: what `fit` takes.

    Returns:
        Logs, and the weights before and after.
    """
    keras.utils.set_random_seed(5)
    eager = strategy is None
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        student = make()
        set_weight_decay(student, 1e-2)
        distiller = build(
            method,
            student,
            expert=[make() for _ in range(stages)] if stages else make(),
            initial=make(),
            **options,
        )
        distiller.compile(
            keras.optimizers.SGD(0.05, momentum=0.9),
            metrics=["accuracy"],
            run_eagerly=eager,
            jit_compile=False,
        )
    images, labels = batch(2 * whole, views=distiller.views)
    validation = (images if distiller.views == 1 else images[:, 0], labels)
    size = whole
    if make is rotating:
        one_hot = tf.one_hot(labels, CLASSES)
        images, labels = map(np.array, Rotations()(images, one_hot, None))
        size = 4 * whole
    before = distiller.get_weights()
    logs = distiller.fit(
        images,
        labels,
        batch_size=size,
        shuffle=False,
        verbose=0,
        validation_data=None if stages else validation,
        **fit,
    ).history
    return logs, before, distiller.get_weights()


def rotating():
    """A network of four classes in four rotations."""
    return with_rotations(normalised(classes=4 * CLASSES))


@pytest.mark.parametrize(
    ("method", "make", "options", "fit"),
    [
        (
            "collaborative+ctkd+rocket+pr_dkd+dkd+ab+gradient_attention",
            plain,
            {
                "pr_dkd.synchronized": True,
                "pr_dkd.warmup": 1,
                "dkd.warmup": 1,
                "ab.first_stage": 0.5,
            },
            {},
        ),
        ("sla_sd", plain, {}, {"sample_weight": np.linspace(0, 2, 2 * WHOLE)}),
        # Normalised ones' batches of views share their statistics, too.
        pytest.param(
            *("skdsam+cs_kd", normalised, {}, {}), marks=pytest.mark.exhaustive
        ),
        pytest.param("kd", rotating, {}, {}, marks=pytest.mark.exhaustive),
    ],
    ids=["teachers", "sample weights", "views and exits", "rotations"],
)
def test_equals_one_device(method, make, options, fit):
    logs_one, before, one = train(method, make, None, options, **fit)
    logs_two, _, two = train(method, make, two_replicas(), options, **fit)
    # Where two features are all but equal, rounding turns the gradient of
    # SKDSAM's absolute difference around.
    tolerance = 0.05 if "skdsam" in method else 0.005
    assert_same_logs(logs_one, logs_two)
    assert_same_changes(before, one, two, tolerance)


def test_a_batch_that_replicas_do_not_divide():
    """One has four images and the other three."""
    weights = {"sample_weight": np.linspace(0, 2, 14)}
    logs_one, before, one = train(
        "kd", normalised, None, {}, whole=7, **weights
    )
    logs_two, _, two = train(
        "kd", normalised, two_replicas(), {}, whole=7, **weights
    )
    assert_same_logs(logs_one, logs_two)
    assert_same_changes(before, one, two, 0.005)


@pytest.mark.exhaustive
def test_stages_equal_those_of_one_device():
    """Each kind of phase is a graph of its own, for both stages."""
    options = {"adversary_learning_rate": 0.01}
    training = {"stages": 2, "epochs": 10}
    logs_one, before, one = train("ms_mgans", plain, None, options, **training)
    logs_two, _, two = train(
        "ms_mgans", plain, two_replicas(), options, **training
    )
    assert_same_logs(logs_one, logs_two)
    assert_same_changes(before, one, two, 0.005)


def assert_same_logs(first, second):
    assert set(first) == set(second)
    for name, values in first.items():
        np.testing.assert_allclose(
            # None where a phase has no such term.
            np.array(second[name], float),
            np.array(values, float),
            rtol=5e-3,
            # Attention as printed is uniform but for rounding.
            atol=1e-6,
            err_msg=name,
        )


def test_uneven_validation_on_two_replicas():
    with two_replicas().scope():
        distiller = build("baseline", plain())
        distiller.compile("sgd", metrics=["accuracy"], jit_compile=False)
    images, labels = batch(17)
    size = evaluation_batch_size(17, 8, 2)
    logs = distiller.evaluate(
        images, labels, batch_size=size, verbose=0, return_dict=True
    )
    logits = np.array(distiller.student(images, training=False))
    assert logs["accuracy"] == pytest.approx(
        np.mean(logits.argmax(1) == labels)
    )


def is_synchronized(network):
    """What all its batch normalisations say."""
    (said,) = {
        layer.synchronized
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    return said


def test_batch_statistics_are_shared_only_where_replicas_are():
    with two_replicas().scope():
        distiller = build("baseline", normalised())
        distiller.compile("sgd")
    assert is_synchronized(distiller.student)
    alone = build("baseline", normalised())
    alone.compile("sgd")
    assert not is_synchronized(alone.student)
