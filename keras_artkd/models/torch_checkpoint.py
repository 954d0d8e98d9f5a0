"""Checkpoints of PyTorch before 1.6, read without PyTorch.

Such a file is a sequence of pickles, then the numbers. A pickle can run any
code; this reader admits the few names that a checkpoint of weights needs.
"""

import collections
import pathlib
import pickle
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from keras_artkd.types import Array, Path

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


class _Storage(NamedTuple):
    key: str
    dtype: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(
    storage: _Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *_: Any,
) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """An unpickler that admits tensors, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no part of weights")

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, count, _ = pid
        return _Storage(str(key), str(dtype), int(count))


def read_checkpoint(path: Path) -> dict[str, Array]:
    """Reads the weights of a PyTorch checkpoint in the format before 1.6.

    Args:
        path: of the `.pth` file, whose content is a dict of tensors.

    Returns:
        dict of name -> NumPy array, in the order of the file.

    Raises:
        ValueError: if the file is no such checkpoint, is damaged, or contains
            anything but tensors.
        OSError: if the file cannot be read.
    """
    with pathlib.Path(path).open("rb") as file:
        try:
            return _read(file)
        except (
            # A damaged pickle raises any of these.
            *(pickle.UnpicklingError, EOFError, ValueError, TypeError),
            *(KeyError, IndexError, AttributeError, OverflowError, MemoryError),
        ) as error:
            raise ValueError(
                "The file must be a checkpoint of weights as PyTorch wrote it "
                f"before version 1.6. Received: {path} ({error}). Fix: "
                "torch.save(weights, path, "
                "_use_new_zipfile_serialization=False); or install the package "
                "of these weights again."
            ) from error


def _read(file: BinaryIO) -> dict[str, Array]:
    if _Unpickler(file).load() != _MAGIC:
        raise ValueError("it does not begin as one")
    for _ in ("version of the protocol", "facts of the system"):
        _Unpickler(file).load()
    tensors: dict[str, _Tensor] = _Unpickler(file).load()
    storages = {t.storage.key: t.storage for t in tensors.values()}
    values = {}
    for key in _Unpickler(file).load():
        storage = storages[key]
        dtype = np.dtype(storage.dtype)
        count = int.from_bytes(file.read(8), "little")
        content = file.read(count * dtype.itemsize)
        if count != storage.size or len(content) < count * dtype.itemsize:
            raise ValueError("it ends too early")
        values[key] = np.frombuffer(content, dtype)
    return {
        name: _view(values[tensor.storage.key], tensor)
        for name, tensor in tensors.items()
    }


def _view(values: Array, tensor: _Tensor) -> Array:
    """The part of a storage that a tensor is, copied."""
    steps = [
        (side - 1) * stride
        for side, stride in zip(tensor.shape, tensor.strides, strict=True)
    ]
    if (
        min((tensor.offset, *tensor.shape, *tensor.strides), default=0) < 0
        or tensor.offset + sum(steps) >= len(values)
        or 0 in tensor.shape
    ):
        raise ValueError("a tensor reaches over the end of its numbers")
    return np.lib.stride_tricks.as_strided(
        values[tensor.offset :],
        tensor.shape,
        [stride * values.itemsize for stride in tensor.strides],
    ).copy()
