"""CIFAR-10 and CIFAR-100, from TFDS or an .npz file."""

import pathlib

import numpy as np

from keras_artkd.datasets.arrays import Arrays, check_arrays, split_arrays
from keras_artkd.datasets.examples import Loaded
from keras_artkd.datasets.npz import check_npz, read_npz
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.tfds.builders import (
    Builder,
    check_directory,
    prepare_builder,
)
from keras_artkd.types import Array, Path

_OTHERWISE = ", or an .npz file"


def check_cifar(request: LoadRequest) -> None:
    """Checks the .npz file or the TFDS directory."""
    if _is_npz(request.data_dir):
        check_npz(request)
        return
    check_arrays(request)
    if request.data_dir is not None:
        check_directory(request.data_dir, request.name, _OTHERWISE)


def load_cifar(
    request: LoadRequest,
    *,
    validation_fraction: float = 0.1,
    classes: int | None = None,
    per_class: int | None = None,
) -> Loaded:
    """Loads `cifar10` or `cifar100`; see `split_arrays`."""
    arrays = read_cifar(request.name, request.data_dir)
    return split_arrays(
        arrays, request, validation_fraction, classes, per_class
    )


def read_cifar(name: str, data_dir: Path | None) -> Arrays:
    """Reads a CIFAR data set, which TFDS downloads if it is not there yet.

    Args:
        name: `"cifar10"` or `"cifar100"`.
        data_dir: TFDS directory, `None` for TFDS's own; or an .npz file.

    Returns:
        `Arrays`; the images are in the order of the official archive.
    """
    if data_dir is not None and _is_npz(data_dir):
        return read_npz(data_dir)
    builder = prepare_builder(name, data_dir, _OTHERWISE)
    names = builder.info.features["label"].names
    return Arrays(names, _read(builder, "train"), _read(builder, "test"))


def _is_npz(path: Path | None) -> bool:
    return path is not None and pathlib.Path(path).suffix == ".npz"


def _read(builder: Builder, split: str) -> tuple[Array, Array]:
    """Returns images and labels of a split, in the order of their archive."""
    import tensorflow_datasets as tfds

    wanted = dict.fromkeys(("id", "image", "label"), True)
    rows = tfds.as_numpy(
        builder.as_dataset(
            split=split,
            batch_size=-1,
            decoders=tfds.decode.PartialDecoding(wanted),
        )
    )
    order = np.argsort(rows["id"])  # TFDS shuffles.
    return rows["image"][order], rows["label"][order].astype("int32")
