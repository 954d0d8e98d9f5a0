"""Knowledge distillation for Keras 3, from labelled images to a device.

Importing the package alone is quick and needs neither Keras nor TensorFlow, so
that `artkd` and `keras_artkd.deploy.lite` run on a device without them. Its
parts come with the first use of any of them, or at once where Keras was
imported before: then its classes are known to `keras.models.load_model`.
"""

import importlib
import sys
from typing import Any

from keras_artkd.version import __version__ as __version__

_KERAS_PARTS = ("distillers", "layers", "losses", "models")


def __getattr__(name: str) -> Any:
    """Imports the package's Keras part upon its first use."""
    if name not in (*_KERAS_PARTS, "Distiller"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    parts = {
        part: importlib.import_module(f"{__name__}.{part}")
        for part in _KERAS_PARTS
    }
    globals().update(parts, Distiller=parts["distillers"].Distiller)
    return globals()[name]


def __dir__() -> list[str]:
    """Public names, imported yet or not."""
    return sorted({*globals(), *_KERAS_PARTS, "Distiller"})


if sys.modules.get("keras"):
    __getattr__("Distiller")
