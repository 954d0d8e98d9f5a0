"""CIFAR-10 and CIFAR-100, as TFDS has them or as an .npz file."""

import pathlib

import numpy as np

from keras_artkd.datasets.npz import load_npz
from keras_artkd.datasets.tfds_builders import prepare_builder


def load_cifar(name, data_dir):
    """Reads a CIFAR data set, which TFDS downloads where it is not there yet.

    Args:
        name: `"cifar10"` or `"cifar100"`.
        data_dir: TFDS directory, `None` for TFDS's own; or an .npz file.

    Returns:
        As `load_npz`; the images are in the order of the official archive.
    """
    if data_dir is not None and pathlib.Path(data_dir).suffix == ".npz":
        return load_npz(data_dir)
    builder = prepare_builder(name, data_dir, ", or an .npz file")
    names = builder.info.features["label"].names
    return names, _read(builder, "train"), _read(builder, "test")


def _read(builder, split):
    """Images and labels of a split, in the order of their archive."""
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
