"""Stanford Dogs: 20,580 photographs, 120 breeds, as thesis 002 trains it.

The same as `artkd train --recipe stanford_dogs`.
The settings are in `keras_artkd/runs/presets/stanford_dogs.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("stanford_dogs"))
