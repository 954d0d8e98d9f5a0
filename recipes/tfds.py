"""Any image classification set of TensorFlow Datasets.

The same as `artkd train --recipe tfds`.
The settings are in `keras_artkd/runs/presets/tfds.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("tfds"))
