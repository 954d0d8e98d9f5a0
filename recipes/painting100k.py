"""MultitaskPainting100k: 125 styles, as thesis 000 trains it.

The same as `artkd train --recipe painting100k`.
The settings are in `keras_artkd/runs/presets/painting100k.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("painting100k"))
