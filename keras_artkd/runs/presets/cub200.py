"""CUB-200-2011: 11,788 photographs, 200 birds, as thesis 002 trains it.

    artkd train --recipe cub200

TensorFlow Datasets downloads it (1.2 GB) and prepares it, for which OpenCV
must be installed: pip install -e '.[cub200]'. --data-dir FOLDER is a
TFDS directory other than its own. The thesis cites the release of 2011, which
this is, and gives the size of that of 2010, 6,033 images.

The schedule is that of tables 4.10 and 4.11: 250 epochs, the learning rate 0.1
divided by 10 after 100 and 150; they have the last epoch's accuracy, the mean
of three runs (--seed 0, 1 and 2). Of the images' size the thesis says nothing:
224 pixels in batches of 32 are CS-KD's. Images are not cropped to the birds.
A tenth of the training images is held out to choose the best epoch; the thesis
holds out none.
"""

from keras_artkd.runs.config import Config
from keras_artkd.runs.presets._thesis_002 import FINE_GRAINED

CONFIG = Config.of(recipe="cub200", dataset="cub200", **FINE_GRAINED)
