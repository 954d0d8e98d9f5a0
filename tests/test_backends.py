"""Everything but the edges runs without TensorFlow."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import keras
import numpy as np
import keras_artkd
from keras_artkd import distillers, models

assert keras.backend.backend() == "jax"
assert "tensorflow" not in sys.modules
def make(**options):
    return models.build("wrn_10_1", 3, (16, 16, 3), **options)
expert = make()
student = make(head="awgram")
distiller = distillers.CollaborativeTeaching(student, make(), expert)
optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
distiller.compile(optimizer, metrics=["accuracy"])
random = np.random.default_rng(0)
images = random.uniform(0, 255, (16, 16, 16, 3)).astype("float32")
labels = random.integers(0, 3, 16)
before = [w.copy() for w in expert.get_weights()]
logs = distiller.fit(images, labels, batch_size=8, epochs=4, verbose=0,
                     validation_data=(images, labels)).history
assert set(logs) == {
    "loss", "accuracy", "supervised", "initial_supervised", "kd", "logits_l2",
    "attention_transfer", "regularization", "val_loss", "val_accuracy"}, logs
total = (logs["supervised"][-1] + logs["initial_supervised"][-1]
         + logs["kd"][-1] + 1.5 * logs["logits_l2"][-1]
         + 0.2 * logs["attention_transfer"][-1])
assert abs(total - logs["loss"][-1]) < 1e-3 * total
assert logs["loss"][-1] < logs["loss"][0]
for old, new in zip(before, expert.get_weights()):
    assert np.array_equal(old, new)
state = [w.copy() for w in distiller.get_weights()]
distiller.evaluate(images, labels, verbose=0)
for old, new in zip(state, distiller.get_weights()):
    assert np.array_equal(old, new)
assert "tensorflow" not in sys.modules
print("trained")
"""


VIEWS = """
import sys
import keras
import numpy as np
from keras_artkd import distillers, models

network = models.build("wrn_10_1", 12, (16, 16, 3))
distiller = distillers.build(
    "skdsam+cs_kd", models.with_rotations(network),
    **{"skdsam.attention": "cosine"})
distiller.compile(keras.optimizers.SGD(0.01), metrics=["accuracy"])
random = np.random.default_rng(0)
images = random.uniform(0, 255, (16, 2, 16, 16, 3)).astype("float32")
labels = np.eye(12)[random.integers(0, 12, 16)].astype("float32")
logs = distiller.fit(images, labels, batch_size=8, epochs=4, verbose=0,
                     sample_weight=np.ones(16),
                     validation_data=(images[:, 0], np.arange(16) % 3)).history
assert set(logs) == {
    "loss", "accuracy", "supervised", "skdsam", "skdsam_spread", "view_kd",
    "regularization", "val_loss", "val_accuracy"}, logs
assert logs["loss"][-1] < logs["loss"][0]
assert logs["skdsam_spread"][-1] > 1e-5
assert distiller.predict(images[:, 0], verbose=0).shape == (16, 3)
assert "tensorflow" not in sys.modules
print("trained")
"""


@pytest.mark.parametrize("program", [PROGRAM, VIEWS], ids=["teachers", "views"])
def test_trains_on_jax(program):
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("trained\n")
