"""Stanford Dogs: 20,580 photographs, 120 breeds, as thesis 002 trains it.

    artkd train --recipe stanford_dogs

TensorFlow Datasets downloads it (0.8 GB) and prepares it, for which SciPy must
be installed: pip install scipy. --data-dir FOLDER is a TFDS directory other
than its own. Decoded, it takes about 6 GB of disk.

The schedule is that of tables 4.10 and 4.11: 250 epochs, the learning rate 0.1
divided by 10 after 100 and 150; they have the last epoch's accuracy, the mean
of three runs (--seed 0, 1 and 2). Of the images' size the thesis says nothing:
224 pixels in batches of 32 are CS-KD's. Images are not cropped to the dogs.
A tenth of the training images is held out to choose the best epoch; the thesis
holds out none.
"""

from keras_artkd.runs.config import Config
from keras_artkd.runs.presets._thesis_002 import FINE_GRAINED

CONFIG = Config.of(
    recipe="stanford_dogs", dataset="stanford_dogs", **FINE_GRAINED
)
