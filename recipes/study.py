"""Run the tables and figures of the papers.

`python -m recipes.study` is `artkd study`.
"""

import sys

from keras_artkd.cli.study import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
