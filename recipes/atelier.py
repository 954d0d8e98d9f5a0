"""Atelier: paintings that the package paints itself, nothing to download.

The same as `artkd train --recipe atelier`.
The settings are in `keras_artkd/runs/presets/atelier.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("atelier"))
