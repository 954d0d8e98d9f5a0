"""Your own arrays: an .npz file of x_train, y_train, x_test and y_test.

The same as `artkd train --recipe npz`.
The settings are in `keras_artkd/runs/presets/npz.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("npz"))
