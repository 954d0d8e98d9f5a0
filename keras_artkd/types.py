"""Names of types that signatures share."""

import os
from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
"""A NumPy array; the docstring says its shape and what it holds."""

Tensor: TypeAlias = Any
"""A tensor of Keras's backend, or a symbolic one. Keras has no type for it."""

Path: TypeAlias = str | os.PathLike[str]
"""The path of a file or a folder."""
