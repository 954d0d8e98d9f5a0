"""The main job on `atelier`, paintings that the package makes itself.

The same as `artkd train --recipe demo`.
The settings are in `keras_artkd/runs/presets/demo.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("demo"))
