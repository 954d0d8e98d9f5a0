"""Tutorial 004, done right: pseudo-labels of a ResNet-18 for a MobileNetV2.

The same as `artkd train --recipe tutorial`.
The settings are in `keras_artkd/runs/presets/tutorial.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("tutorial"))
