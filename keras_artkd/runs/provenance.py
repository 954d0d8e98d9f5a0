"""Provenance of a run: its images and versions."""

import dataclasses
import os
import pathlib
import platform
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import PIL
import tensorflow as tf

from keras_artkd.datasets import Collection
from keras_artkd.datasets.splits import SPLITS
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.backend import count_gpus
from keras_artkd.runs.plan import Plan
from keras_artkd.version import __version__

if TYPE_CHECKING:
    from keras_artkd.runs.pseudo_labels import PseudoLabels


def describe_data(
    plan: Plan, data: Collection, labels: "PseudoLabels | None" = None
) -> dict[str, Any]:
    """Describes the images that the run was trained and tested on.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        labels: `PseudoLabels`, of a run that learns from them.
    """
    described: dict[str, Any] = {
        "name": data.name,
        # With these, `keras_artkd.datasets.load` gives it again.
        "load": plan.load_arguments,
        "class_names": data.class_names,
        "fingerprint": data.fingerprint(),
        "splits": {
            split: getattr(data, split).keys.tolist() for split in SPLITS
        }
        # Of all folds together no image is held out.
        | ({"validation": [], "test": []} if plan.is_of_all_folds else {}),
        "skipped": [dataclasses.asdict(s) for s in data.skipped],
    }
    if data.unlabelled is not None and plan.learns_unlabelled:
        described["splits"]["unlabelled"] = data.unlabelled.keys.tolist()
        described["unlabelled_fingerprint"] = data.unlabelled_fingerprint()
    if labels is not None:
        described["pseudo_labels"] = labels.fingerprint()
    return described


def describe_versions() -> dict[str, Any]:
    """Versions of Python and packages, and the machine."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpus": count_gpus(),
        "keras_artkd": __version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "tensorflow": tf.__version__,
        **_jax_version(),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


def _jax_version() -> dict[str, str]:
    """JAX's version, of a run that computed with it."""
    if keras.backend.backend() != "jax":
        return {}
    import jax

    return {"jax": jax.__version__}


def _cpu() -> str:
    """The processor's name, as far as the system tells."""
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def check_same_data(folder: RunFolder, data: Collection) -> None:
    """Rejects to resume, or to learn from, a run that saw other splits.

    Its networks may have been trained on what would be tested now.
    """
    saved = folder.data
    if saved["fingerprint"] != data.fingerprint():
        raise ValueError(
            f"The images changed since the run {folder}: its splits are not "
            "today's. Fix: restore the images, or remove that folder."
        )
    unlabelled = saved.get("unlabelled_fingerprint")
    if unlabelled not in (None, data.unlabelled_fingerprint()):
        raise ValueError(
            f"The images without labels changed since the run {folder}. Fix: "
            "restore them, or remove that folder."
        )
