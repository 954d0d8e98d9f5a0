"""Stanford 40 Actions: 9,532 photographs, as thesis 002 trains it.

The same as `artkd train --recipe stanford40`.
The settings are in `keras_artkd/runs/presets/stanford40.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("stanford40"))
