"""Every loss trains on JAX, compiled, without TensorFlow."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import keras
import numpy as np
from keras_artkd import losses
from keras_artkd.distillers import Distiller, Stages
from tests.losses.networks import make_batch, make_network

pairs = [("group2", "group2")]
transfer_losses = [
    losses.PerceptionDecoupledKD(synchronized=True),
    losses.RelationalKD(),
    losses.SimilarityPreserving(),
    losses.ProbabilisticTransfer(),
    losses.Hint(pairs),
    losses.VariationalInformation(pairs),
    losses.ActivationBoundary(pairs),
    losses.Overhaul(pairs),
    losses.ReviewKD(pairs),
    losses.ContrastiveRepresentation(8, num_negatives=64),
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
logs = distiller.fit(images, labels, batch_size=8, epochs=2, verbose=0).history
for loss in transfer_losses:
    assert np.isfinite(logs[loss.name]).all(), loss.name
terms = [sum(1e-3 * logs[loss.name][i] for loss in transfer_losses)
         for i in (0, 1)]
assert abs(logs["loss"][0] - terms[0]) < 1e-3 * terms[0], logs
assert abs(logs["loss"][1] - terms[1] - logs["supervised"][1]) < 1e-2, logs
queue = keras.ops.convert_to_numpy(transfer_losses[-1].label_queue)
assert ((queue >= 0) == (np.arange(64) < 32)).all(), queue
responses = keras.ops.convert_to_numpy(transfer_losses[7].responses[0])
assert (responses[0] >= 0).all() and responses[0].any()
assert "tensorflow" not in sys.modules
print("trained")
"""


@pytest.mark.slow
def test_every_loss_trains_on_jax():
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("trained\n")
