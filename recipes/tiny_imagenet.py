"""Tiny ImageNet: 200 classes at 32 pixels, as thesis 002 trains it.

The same as `artkd train --recipe tiny_imagenet`.
The settings are in `keras_artkd/runs/presets/tiny_imagenet.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("tiny_imagenet"))
