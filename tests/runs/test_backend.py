"""The backend of a run."""

import importlib.util
import subprocess
import sys

import keras
import pytest

from keras_artkd.runs.backend import use_backend
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import resolve


def without_keras(monkeypatch, backend=None):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_BACKEND", backend or "")
    if backend is None:
        monkeypatch.delenv("KERAS_BACKEND")


def test_is_set_before_keras_is_imported(monkeypatch):
    without_keras(monkeypatch)
    use_backend("jax")
    program = "import keras; print(keras.backend.backend())"
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert said.stdout == "jax\n"


def test_another_one_in_the_environment(monkeypatch):
    without_keras(monkeypatch, "jax")
    use_backend("jax")
    with pytest.raises(ValueError, match="KERAS_BACKEND=jax. Fix: --backend"):
        use_backend("tensorflow")


def test_keras_imported_with_another():
    assert keras.backend.backend() == "tensorflow"
    use_backend("tensorflow")
    with pytest.raises(ValueError, match="imported with tensorflow"):
        use_backend("jax")


def test_jax_that_is_not_installed(monkeypatch):
    without_keras(monkeypatch)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "jax" else found(n)
    )
    with pytest.raises(ImportError, match=r"pip install keras_artkd\[jax\]"):
        use_backend("jax")


def test_is_part_of_what_a_run_is():
    config = Config.of(recipe="cifar10", dataset="cifar10")
    plans = [resolve(config.replace(backend=b)) for b in ("tensorflow", "jax")]
    assert "backend" not in plans[0].identity
    assert plans[1].identity["backend"] == "jax"
