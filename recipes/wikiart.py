"""WikiArt: 81,446 paintings, 27 styles, as thesis 000 trains it.

    python -m recipes.wikiart --data-dir ARCHIVE

ARCHIVE is the folder that the archive was unpacked into;
`keras_artkd/datasets/wikiart/README.md` says where to get it.
"""

from recipes.common import main
from recipes.config import Config

CONFIG = Config(recipe="wikiart", dataset="wikiart")

if __name__ == "__main__":
    raise SystemExit(main(CONFIG, __doc__))
