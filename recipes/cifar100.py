"""CIFAR-100, with every method and pair of networks of paper 001.

The same as `artkd train --recipe cifar100`.
The settings are in `keras_artkd/runs/presets/cifar100.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("cifar100"))
