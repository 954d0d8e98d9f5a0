"""The losses on JAX, compiled, without TensorFlow, for `test_backends.py`."""

import pickle
import sys
from pathlib import Path

import jax
import keras
import numpy as np

from keras_artkd import losses
from tests.losses.samples import build, exported_losses, sample_call


def value_and_gradients(loss):
    """Weights, and the sum of a call's values with its gradients.

    These are of the teacher's endpoints, the student's and the trained
    variables.
    """
    labels, teacher, student = sample_call(build(loss))
    weights = loss.get_weights()
    state = [v.value for v in loss.non_trainable_variables]

    def total(teacher, student, trained):
        values, _ = loss.stateless_call(
            trained, state, labels, teacher, student
        )
        return values.sum()

    value, gradients = jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2)))(
        teacher, student, [v.value for v in loss.trainable_variables]
    )
    return weights, np.asarray(value), jax.tree.map(np.asarray, gradients)


def train():
    """A distiller with losses that have connectors, estimates and queues."""
    from keras_artkd.distillers import Distiller, Stages
    from tests.losses.networks import make_batch, make_network

    pairs = [("group2", "group2")]
    overhaul = losses.Overhaul(pairs)
    contrastive = losses.ContrastiveRepresentation(8, num_negatives=64)
    transfer_losses = [
        losses.PerceptionDecoupledKD(synchronized=True),
        losses.Hint(pairs),
        overhaul,
        contrastive,
    ]
    distiller = Distiller(
        make_network(),
        teachers={"expert": make_network(width=6, side=32)},
        transfer_losses=transfer_losses,
        transfer_weights=[1e-3] * len(transfer_losses),
        supervised_weight=Stages(0.0, 1.0, epochs=1),
    )
    distiller.compile("sgd")
    images, labels = make_batch(16)
    logs = distiller.fit(images, labels, batch_size=8, epochs=2, verbose=0)
    logs = logs.history
    terms = [
        sum(1e-3 * logs[loss.name][epoch] for loss in transfer_losses)
        for epoch in (0, 1)
    ]
    assert np.isfinite(terms).all(), logs
    assert abs(logs["loss"][0] - terms[0]) < 1e-3 * terms[0], logs
    assert abs(logs["loss"][1] - terms[1] - logs["supervised"][1]) < 1e-2, logs
    queue = keras.ops.convert_to_numpy(contrastive.label_queue)
    assert ((queue >= 0) == (np.arange(64) < 32)).all(), queue
    responses = keras.ops.convert_to_numpy(overhaul.responses[0])
    assert (responses[0] >= 0).all() and responses[0].any()


def main(path):
    """Writes what the losses give to a file, and trains a few of them."""
    found = {
        cls.__name__: value_and_gradients(cls()) for cls in exported_losses()
    }
    Path(path).write_bytes(pickle.dumps(found))
    train()
    assert "tensorflow" not in sys.modules
