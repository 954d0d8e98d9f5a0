"""Your own arrays: an .npz file of x_train, y_train, x_test and y_test.

    python -m recipes.npz --data-dir FILE.npz --image-size 32

Images are taken as large as they are; crops reach an eighth over the edges.
"""

from recipes.common import main
from recipes.config import Config

CONFIG = Config(recipe="npz", dataset="npz", image_size=32, keep_size=True)

if __name__ == "__main__":
    raise SystemExit(main(CONFIG, __doc__))
