"""Atelier: paintings that the package paints itself, nothing to download.

python -m recipes.atelier
"""

from recipes.common import main
from recipes.config import Config

CONFIG = Config(recipe="atelier", dataset="atelier")

if __name__ == "__main__":
    raise SystemExit(main(CONFIG, __doc__))
