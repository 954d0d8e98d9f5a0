"""CIFAR-10, with the presets of CIFAR-100.

    python -m recipes.cifar10 --method kd --data-dir FILE.npz
    python -m recipes.cifar10 --preset self_distillation

Without --data-dir it comes from TensorFlow Datasets. See `python -m
recipes.cifar100 --help` for the presets. What they take from the literature
for a pair of networks was published for CIFAR-100.
"""

import dataclasses

from recipes import cifar100
from recipes.common import main

PRESETS = {
    name: dataclasses.replace(preset, recipe="cifar10", dataset="cifar10")
    for name, preset in cifar100.PRESETS.items()
}
CONFIG = PRESETS["common"]

if __name__ == "__main__":
    raise SystemExit(main(PRESETS, __doc__))
