"""MultitaskPainting100k: 125 styles, as thesis 000 trains it.

    python -m recipes.painting100k --data-dir ARCHIVE

ARCHIVE is the folder that the archive was unpacked into;
`keras_artkd/datasets/multitask_painting100k/README.md` says where to get it.
"""

from recipes.common import main
from recipes.config import Config

CONFIG = Config(recipe="painting100k", dataset="multitask_painting100k")

if __name__ == "__main__":
    raise SystemExit(main(CONFIG, __doc__))
