"""What a run was made from, and whether it still is."""

import dataclasses
import os
import pathlib
import platform

import keras
import numpy as np
import PIL
import tensorflow as tf

import keras_artkd
from keras_artkd.datasets.splits import SPLITS
from keras_artkd.files import read_json
from keras_artkd.image_store import NO_LABEL


def describe_data(config, data, labels=None):
    """What the run was trained and tested on, image by image.

    Args:
        config: `Config`.
        data: a `datasets.Collection`.
        labels: `PseudoLabels`, of a run that learns from them.
    """
    described = {
        "name": data.name,
        # With these, `keras_artkd.datasets.load` gives it again.
        "load": config.load_arguments(),
        "class_names": data.class_names,
        "fingerprint": data.fingerprint(),
        "splits": {
            split: getattr(data, split).keys.tolist() for split in SPLITS
        },
        "skipped": [dataclasses.asdict(s) for s in data.skipped],
    }
    if data.unlabelled is not None and config.learns_pseudo_labels:
        described["splits"]["unlabelled"] = data.unlabelled.keys.tolist()
        described["unlabelled_fingerprint"] = data.unlabelled_fingerprint()
    if labels is not None:
        described["pseudo_labels"] = labels.fingerprint()
    return described


def describe_versions():
    """What the run was made with."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpus": len(tf.config.list_physical_devices("GPU")),
        "keras_artkd": keras_artkd.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


def _cpu():
    """The processor's name, as far as the system tells."""
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def check_same_data(run_dir, data):
    """Refuses to go on, or to learn from, a run that saw other splits.

    Its networks may have been trained on what would be tested now.
    """
    saved = read_json(run_dir / "data.json")
    if saved["fingerprint"] != data.fingerprint():
        raise ValueError(
            f"The images changed since the run {run_dir}: its splits are not "
            "today's. Fix: restore the images, or remove that folder."
        )
    unlabelled = saved.get("unlabelled_fingerprint")
    if unlabelled not in (None, data.unlabelled_fingerprint()):
        raise ValueError(
            f"The images without labels changed since the run {run_dir}. Fix: "
            "restore them, or remove that folder."
        )


def check_foreign_expert(path, data):
    """An expert from elsewhere must not know the test images.

    Only where it lies in a run's folder can be known what it was trained on.
    """
    beside = path.parent / "data.json"
    if not beside.exists():
        print(
            f"Expert: {path}. Nothing beside it says which images it was "
            "trained on: make sure that none is in this run's test split."
        )
        return
    known = read_json(beside)
    told = {*known["splits"]["train"], *known["splits"]["validation"]}
    seen = told | {*known["splits"].get("unlabelled", ())}
    held_out = {*data.test.keys.tolist()}
    if known["class_names"] != data.class_names or (
        known["name"] == data.name and seen & held_out
    ):
        raise ValueError(
            "The expert must know the same classes and none of the test "
            f"images. Received: {path} of {len(known['class_names'])} "
            f"classes, which saw {len(seen & held_out)} of "
            f"{len(held_out)} test images. Fix: an expert trained with the "
            "same --split-seed and --group on the same images."
        )
    hidden = set()
    if data.hidden_labels is not None:
        hidden |= {*data.unlabelled.keys[data.hidden_labels != NO_LABEL]}
    if known["name"] == data.name and told & hidden:
        raise ValueError(
            "The expert must not know the labels that are hidden. Received: "
            f"{path}, which learned {len(told & hidden)} of {len(hidden)}. "
            "Fix: an expert trained with the same --unlabelled; without "
            "--expert one is trained."
        )
