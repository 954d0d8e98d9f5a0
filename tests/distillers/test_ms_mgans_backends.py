"""Multi-stage distillation on JAX ends with TensorFlow's weights."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.distillers.staged import fit, make

ROOT = pathlib.Path(__file__).parents[2]
# Two stages of every kind of phase.
EPOCHS = 10
PROGRAM = """
import sys
import keras
assert keras.backend.backend() == "jax"
from tests.distillers.test_ms_mgans_backends import refuse_scaling, train
train(*sys.argv[1:])
refuse_scaling()
"""


def train(begin, end):
    """Trains from the weights of one file to those of another."""
    distiller = make(2)
    if not os.path.exists(begin):
        save(begin, distiller)
    with np.load(begin) as arrays:
        distiller.set_weights([arrays[name] for name in arrays])
    if keras.backend.backend() == "jax":
        # Compiled, where a phase could be taken for another.
        distiller.run_eagerly, distiller.jit_compile = False, True
    history = fit(distiller, EPOCHS)
    save(end, distiller)
    return history


def refuse_scaling():
    """On JAX, whose steps cannot."""
    distiller = make()
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    distiller.compile(scaled, run_eagerly=True)
    with pytest.raises(ValueError, match="mixed_float16. Fix: mixed_bfloat16"):
        fit(distiller, 5)


def save(path, distiller):
    """Writes all weights in their order, those of Adam behind them."""
    arrays = distiller.get_weights()
    if distiller.adversary_optimizer.iterations.numpy().item():
        arrays += [np.array(v) for v in distiller.adversary_optimizer.variables]
    np.savez(path, **{f"{i:04}": array for i, array in enumerate(arrays)})


@pytest.mark.exhaustive
def test_both_end_with_the_same_weights(tmp_path):
    begin, here, there = (str(tmp_path / f"{n}.npz") for n in "abc")
    history = train(begin, here)
    assert set(history["stage"]) == {1, 2}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, begin, there],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
    )
    assert result.returncode == 0, result.stderr
    changed = 0
    with np.load(begin) as first, np.load(here) as a, np.load(there) as b:
        assert set(a) == set(b) > set(first)
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-3, atol=1e-4)
            changed += name in first and not np.array_equal(
                a[name], first[name]
            )
    assert changed > 20
