"""The Keras backend of a run: TensorFlow, or JAX.

Batches come from TensorFlow's pipeline on either, and files to deploy from
TensorFlow's converters.
"""

import importlib.util
import os
import sys

_VARIABLE = "KERAS_BACKEND"


def use_backend(name: str) -> None:
    """Makes Keras compute with a backend, before it is imported.

    Args:
        name: str, `"tensorflow"` or `"jax"`.

    Raises:
        ValueError: if `KERAS_BACKEND` names another, or Keras was imported
            with another.
        ImportError: if the backend is not installed.
    """
    keras = sys.modules.get("keras")
    # A module that is being imported has no backend yet.
    if keras is not None and hasattr(keras, "backend"):
        loaded = keras.backend.backend()
        if loaded != name:
            raise ValueError(
                f"This run's backend is {name}. Received: Keras, imported with "
                f"{loaded}. Fix: backend={loaded!r}, or {_VARIABLE}={name} "
                "before Keras is imported."
            )
        return
    given = os.environ.get(_VARIABLE)
    if given not in (None, "", name):
        known = given in ("tensorflow", "jax")
        mend = f"--backend {given}, or " if known else ""
        raise ValueError(
            f"This run's backend is {name}. Received: {_VARIABLE}={given}. "
            f"Fix: {mend}unset {_VARIABLE}."
        )
    if name == "jax" and importlib.util.find_spec("jax") is None:
        raise ImportError(
            "The backend jax needs the package jax. Fix: pip install "
            "keras_artkd[jax]"
        )
    os.environ[_VARIABLE] = name


def count_gpus() -> int:
    """The GPUs of this machine that Keras computes with."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return sum(d.platform == "gpu" for d in jax.local_devices())
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))
