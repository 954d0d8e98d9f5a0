"""Every loss on JAX gives what it gives on TensorFlow."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.samples import build, exported_losses, sample_call

# Keras comes with the losses: whoever imports it first gets all parts at once.
PROGRAM = """
import sys
import keras_artkd.losses
assert not [name for name in sys.modules if name.startswith("keras_artkd.mod")]
from tests.losses.on_jax import main
main(sys.argv[1])
"""


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    """Weights, value and gradients of each loss, from one process.

    It also trains a distiller. It imports no network for the losses, and
    TensorFlow for nothing.
    """
    path = tmp_path_factory.mktemp("jax") / "losses.pickle"
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
    )
    assert result.returncode == 0, result.stderr
    return pickle.loads(path.read_bytes())


@pytest.mark.exhaustive
@pytest.mark.parametrize("cls", exported_losses())
def test_value_and_gradients_on_jax_are_tensorflows(cls, on_jax):
    weights, expected, expected_gradients = on_jax[cls.__name__]
    loss = build(cls())
    labels, teacher, student = sample_call(loss)
    loss.set_weights(weights)
    teacher, student = (
        {name: tf.constant(value) for name, value in side.items()}
        for side in (teacher, student)
    )
    with tf.GradientTape() as tape:
        tape.watch((teacher, student))
        value = tf.reduce_sum(loss(labels, teacher, student))
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    sources = (teacher, student, [v.value for v in loss.trainable_variables])
    gradients = tape.gradient(value, sources, unconnected_gradients="zero")
    expected_gradients = tf.nest.flatten(expected_gradients)
    largest = max(np.abs(gradient).max() for gradient in expected_gradients)
    for a, b in zip(
        tf.nest.flatten(gradients), expected_gradients, strict=True
    ):
        # Rounding alone is left of a bias before batch normalisation.
        atol = 1e-4 * np.abs(b).max() + 1e-5 * largest
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=atol)
