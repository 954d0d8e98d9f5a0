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

# Which endpoints of the student each loss gives a gradient.
SELF_DISTILLATION = """
import sys
import jax
import numpy as np
from keras_artkd import losses

random = np.random.default_rng(0)
shapes = {
    "features": (8, 4, 4, 6),
    "activated1": (8, 4, 4, 6),
    "refined1": (8, 4, 4, 12),
    "refined_logits": (8, 3),
    "rotation_logits": (8, 12),
    "logits": (8, 3),
}
student = {
    name: random.normal(size=shape).astype("float32")
    for name, shape in shapes.items()
}
labels = np.repeat([0, 2], 4)
for loss, learn in (
    (losses.ViewKD(), {"logits"}),
    (losses.ViewKD(mutual=True), {"logits"}),
    (losses.ViewMMD(), {"features"}),
    (losses.RotationDistillation(), {"logits", "rotation_logits"}),
    (losses.FeatureRefinement(), {"logits", "refined_logits", "activated1"}),
):
    def total(student):
        return loss(labels, {}, student).sum()

    value, gradients = jax.jit(jax.value_and_grad(total))(student)
    np.testing.assert_allclose(value, total(student), rtol=1e-4)
    assert all(np.isfinite(g).all() for g in gradients.values()), loss.name
    reached = {name for name, g in gradients.items() if g.any()}
    assert reached == learn, (loss.name, reached)
assert "tensorflow" not in sys.modules
print("trained")
"""

ALONE = """
import sys
import keras_artkd.losses
assert not [n for n in sys.modules if n.startswith("keras_artkd.models")]
print("alone")
"""


def run(program):
    """What a program prints last, run on JAX."""
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1]


@pytest.mark.slow
def test_every_loss_trains_on_jax():
    assert run(PROGRAM) == "trained"


@pytest.mark.slow
def test_self_distillation_trains_on_jax():
    assert run(SELF_DISTILLATION) == "trained"


def test_losses_import_no_network():
    assert run(ALONE) == "alone"
