"""Logits, features and projections of a network's exits, and its distiller."""

import keras
import numpy as np
import tensorflow as tf

from keras_artkd.distillers import Distiller
from keras_artkd.models import with_exits
from tests.losses.networks import make_batch, make_network

# Three exits of one example, for printed vectors.
LOGITS = np.array([[[1, 0, 0]], [[2, 0, -1]], [[3, 0, -1]]], "float32")
FEATURES = np.array([[[1, 0]], [[1, 1]], [[2, 1]]], "float32")

# Four exits of five examples.
random = np.random.default_rng(0)
LABELS = np.array([0, 3, 1, 1, 2])
MIXED = 0.7 * np.eye(4)[LABELS] + 0.3 * np.eye(4)[LABELS[::-1]]
EXIT_LOGITS = random.normal(0, 2, (4, 5, 4))
EXIT_FEATURES = random.normal(0, 1, (4, 5, 6))
PROJECTIONS = random.normal(0, 2, (4, 5, 6))


def make_exits_distiller(loss, kind, weight=1.0, supervised_weight=1.0):
    """A distiller of a student with exits of a kind, compiled."""
    distiller = Distiller(
        with_exits(make_network(), kind),
        transfer_losses=[loss],
        transfer_weights=[weight],
        supervised_weight=supervised_weight,
    )
    distiller.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    return distiller


def read_batch(distiller):
    """Labels, all endpoints, and lists of the exits' tensors by kind."""
    images, labels = make_batch(8)
    endpoints = distiller(images, training=True)
    exits = {
        kind: [
            endpoints["student"][f"exit{i}_{kind}"]
            for i in (1, 2, 3)
            if f"exit{i}_{kind}" in endpoints["student"]
        ]
        for kind in ("logits", "features", "projection")
    }
    return labels, endpoints, exits


def trained_variables(distiller):
    """Paths of the student's variables that the objective has gradients of."""

    images, labels = make_batch(8)
    with tf.GradientTape() as tape:
        endpoints = distiller(images, training=True)
        _, objective = distiller.compute_terms(labels, endpoints)
    variables = distiller.student.trainable_variables
    gradients = tape.gradient(objective, [v.value for v in variables])
    return {
        v.path
        for v, gradient in zip(variables, gradients, strict=True)
        if gradient is not None and np.abs(gradient).max() > 0
    }
