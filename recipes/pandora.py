"""Pandora18k: 18,038 paintings, 18 styles, as thesis 000 trains it.

    python -m recipes.pandora --data-dir ARCHIVE

ARCHIVE is the folder that the archive was unpacked into;
`keras_artkd/datasets/pandora18k/README.md` says where to get it.
"""

from recipes.common import main
from recipes.config import Config

CONFIG = Config(recipe="pandora", dataset="pandora18k")

if __name__ == "__main__":
    raise SystemExit(main(CONFIG, __doc__))
