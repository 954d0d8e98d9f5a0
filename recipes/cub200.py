"""CUB-200-2011: 11,788 photographs, 200 birds, as thesis 002 trains it.

The same as `artkd train --recipe cub200`.
The settings are in `keras_artkd/runs/presets/cub200.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("cub200"))
