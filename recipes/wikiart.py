"""WikiArt: 81,446 paintings, 27 styles, as thesis 000 trains it.

The same as `artkd train --recipe wikiart`.
The settings are in `keras_artkd/runs/presets/wikiart.py`.
"""

from keras_artkd.cli.train import run_recipe

if __name__ == "__main__":
    raise SystemExit(run_recipe("wikiart"))
