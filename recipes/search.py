"""Search the settings of a recipe.

`python -m recipes.search` is `artkd search`.
"""

import sys

from keras_artkd.cli.search import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
