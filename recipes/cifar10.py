"""CIFAR-10, with the presets of CIFAR-100.

The same as `artkd train --recipe cifar10`.
The settings are in `keras_artkd/runs/presets/cifar10.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("cifar10"))
