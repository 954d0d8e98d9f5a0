"""Pandora18k: 18,038 paintings, 18 styles, as thesis 000 trains it.

The same as `artkd train --recipe pandora`.
The settings are in `keras_artkd/runs/presets/pandora.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("pandora"))
