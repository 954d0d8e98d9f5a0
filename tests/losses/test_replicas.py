"""Connectors trained on two replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from keras_artkd.distillers import Distiller
from tests.losses.networks import make_batch, make_network


def fit_connectors(strategy):
    """Logs of a training, and each loss's weights after it."""
    keras.utils.set_random_seed(3)
    with strategy.scope():
        distiller = Distiller(
            make_network(),
            teachers={"expert": make_network(width=6)},
            transfer_losses=[
                losses.Hint(),
                losses.Overhaul(pairs=[("group3", "group3")]),
                losses.ReviewKD(pairs=[("group2", "group2")]),
            ],
            transfer_weights=[1e-3] * 3,
        )
        distiller.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    images, labels = make_batch(24)
    logs = distiller.fit(images, labels, batch_size=8, shuffle=False, verbose=0)
    return [
        (logs.history[loss.name], loss.get_weights())
        for loss in distiller.transfer_losses
    ]


@pytest.mark.exhaustive
def test_two_replicas_train_connectors_as_one_device_does():
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    for one, two in zip(
        fit_connectors(tf.distribute.get_strategy()),
        fit_connectors(strategy),
        strict=True,
    ):
        np.testing.assert_allclose(two[0], one[0], rtol=1e-3)
        for a, b in zip(two[1], one[1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-3)
