"""CIFAR-10, with the presets of CIFAR-100.

    artkd train --recipe cifar10 --method kd --data-dir FILE.npz
    artkd train --recipe cifar10 --preset self_distillation

Without --data-dir it comes from TensorFlow Datasets. The presets are explained
by `artkd train --recipe cifar100 --help`. What they take from the literature
for a pair of networks was published for CIFAR-100.
"""

from keras_artkd.runs.presets import cifar100

PRESETS = {
    name: preset.replace(recipe="cifar10", dataset="cifar10")
    for name, preset in cifar100.PRESETS.items()
}
CONFIG = PRESETS["common"]
