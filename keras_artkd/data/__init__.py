"""Decoding, storing, cropping and augmenting images.

The functions of `keras_artkd.data.pipeline` can be imported from here. Their
first use imports TensorFlow, which `images`, `store` and `threads` do without.
"""

import importlib
from typing import Any

_PIPELINE = (
    "VIEWS",
    "evaluation_arrays",
    "evaluation_dataset",
    "steps_per_epoch",
    "training_dataset",
)


def __getattr__(name: str) -> Any:
    """Imports the pipeline upon its first use."""
    if name not in _PIPELINE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.pipeline"), name)


def __dir__() -> list[str]:
    """Lists what can be imported from here."""
    return sorted({*globals(), *_PIPELINE})
