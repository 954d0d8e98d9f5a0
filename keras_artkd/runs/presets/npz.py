"""Your own arrays: an .npz file of x_train, y_train, x_test and y_test.

    artkd train FILE.npz --image-size 32

Images are taken as large as they are; crops reach an eighth over the edges.
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(recipe="npz", dataset="npz", image_size=32, keep_size=True)
