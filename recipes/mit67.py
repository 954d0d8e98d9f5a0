"""MIT-67: photographs of 67 kinds of rooms, as thesis 002 trains it.

The same as `artkd train --recipe mit67`.
The settings are in `keras_artkd/runs/presets/mit67.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("mit67"))
