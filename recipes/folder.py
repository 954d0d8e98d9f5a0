"""Your own images: a folder with one sub-folder a class.

The same as `artkd train --recipe folder`.
The settings are in `keras_artkd/runs/presets/folder.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("folder"))
