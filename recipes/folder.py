"""Your own images: a folder with one sub-folder a class.

python -m recipes.folder --data-dir FOLDER
"""

from recipes.common import main
from recipes.config import Config

CONFIG = Config(recipe="folder", dataset="folder")

if __name__ == "__main__":
    raise SystemExit(main(CONFIG, __doc__))
