"""Stanford 40 Actions: 9,532 photographs, as thesis 002 trains it.

    artkd train --recipe stanford40 --data-dir ARCHIVE

ARCHIVE is the folder that the archives were unpacked into;
`keras_artkd/datasets/archives/stanford40/README.md` says where to get them.

The schedule is that of table 4.10: 250 epochs, the learning rate 0.1 divided
by 10 after 100 and 150; it has the last epoch's accuracy, the mean of three
runs (--seed 0, 1 and 2). Of the images' size the thesis says nothing: 224
pixels in batches of 32 are CS-KD's. Images are not cropped to the people. A
tenth of the training images is held out to choose the best epoch; the thesis
holds out none.
"""

from keras_artkd.runs.config import Config
from keras_artkd.runs.presets._thesis_002 import FINE_GRAINED

CONFIG = Config.of(recipe="stanford40", dataset="stanford40", **FINE_GRAINED)
