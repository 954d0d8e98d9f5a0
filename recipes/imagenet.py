"""ImageNet (ILSVRC2012): ResNet-34 teaches ResNet-18.

The same as `artkd train --recipe imagenet`.
The settings are in `keras_artkd/runs/presets/imagenet.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("imagenet"))
