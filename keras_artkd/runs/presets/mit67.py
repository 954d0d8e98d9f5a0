"""MIT-67: photographs of 67 kinds of rooms, as thesis 002 trains it.

    artkd train --recipe mit67 --data-dir ARCHIVE

ARCHIVE is the folder that the archive was unpacked into, with the two lists.
`keras_artkd/datasets/archives/mit67/README.md` says where to get them. The
lists name 6,700 of the 15,620 images that the thesis counts.

The schedule is that of tables 4.10 and 4.11: 250 epochs, the learning rate 0.1
divided by 10 after 100 and 150; they have the last epoch's accuracy, the mean
of three runs (--seed 0, 1 and 2). Of the images' size the thesis says nothing:
224 pixels in batches of 32 are CS-KD's. A tenth of the training images is held
out to choose the best epoch; the thesis holds out none.
"""

from keras_artkd.runs.config import Config
from keras_artkd.runs.presets._thesis_002 import FINE_GRAINED

CONFIG = Config.of(recipe="mit67", dataset="mit67", **FINE_GRAINED)
